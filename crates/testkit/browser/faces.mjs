// A page on another site against the two faces. BASE_URL names a server in dev mode, EMAIL and PASSWORD an account
// that can log in. The other site is another origin of this machine: it may do what it likes with fetch and forms.

import * as http from "node:http";
import * as driver from "./driver.mjs";

const base = process.env.BASE_URL;
const { EMAIL, PASSWORD } = process.env;

const EVIL = `<!doctype html><html lang="en"><title>Evil</title><main><h1>Evil</h1></main>
<form id="form" method="post" action="${base}/account/sessions/end-others"><button id="go">go</button></form></html>`;
const site = http.createServer((_, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(EVIL);
});
await new Promise((ready) => site.listen(0, "127.0.0.1", ready));
// 127.0.0.1 and localhost are two sites: cookies of the one are cross-site for the other.
const evil = `http://127.0.0.1:${site.address().port}`;

/** What fetch makes of a request that the page at `evil` sends: the status, or the browser's refusal. */
function fetched(page, path, init) {
  return page.evaluate(
    async ([url, options]) => {
      try {
        const response = await fetch(url, options);
        return { status: response.status, body: await response.text() };
      } catch {
        return { status: "blocked", body: "" };
      }
    },
    [`${base}${path}`, init],
  );
}

async function sessionFaceIsClosed(page) {
  const read = await fetched(page, "/api/v1/session", { credentials: "include" });
  driver.expectEqual(read.status, "blocked", "reading the session from another site");
  const ended = await fetched(page, "/api/v1/session", { method: "DELETE", credentials: "include" });
  driver.expectEqual(ended.status, "blocked", "ending the session from another site");
  await fetched(page, "/api/v1/login", {
    method: "POST",
    mode: "no-cors",
    credentials: "include",
    body: JSON.stringify({ identifier: EMAIL, password: PASSWORD, deliver: "cookie" }),
  });
  await page.click("#go");
  await page.waitForLoadState();
  driver.expect((await page.content()).includes("Something went wrong"), "a form of another site is refused");
}

async function tokenFaceIsOpen(page) {
  const token = process.env.ACCESS_TOKEN;
  const headers = { authorization: `Bearer ${token}` };
  const read = await fetched(page, "/api/v1/session", { headers });
  driver.expectEqual(read.status, 200, "a token from another site needs no defence");
  driver.expectEqual(JSON.parse(read.body).face, "token", "the face");
  // With cookies beside it the browser withholds the answer: the open door is never the session's.
  const both = await fetched(page, "/api/v1/session", { headers, credentials: "include" });
  driver.expectEqual(both.status, "blocked", "credentials together with the open answer");
  const ended = await fetched(page, "/api/v1/session", { method: "DELETE", headers });
  driver.expectEqual(ended.status, 204, "logging out by token from another site");
  const after = await fetched(page, "/api/v1/session", { headers });
  driver.expectEqual(after.status, 401, "the token after its logout");
}

await driver.journey(async (browser) => {
  const victim = await driver.person(browser);
  await victim.page.goto(`${base}/login`);
  await victim.page.fill("#username", EMAIL);
  await victim.page.fill("#password", PASSWORD);
  await victim.page.click("#login-submit");
  driver.expectEqual(victim.page.url(), `${base}/account`, "logged in");

  const attacker = await victim.context.newPage();
  await attacker.goto(evil);
  await tokenFaceIsOpen(attacker);
  await sessionFaceIsClosed(attacker);
  await victim.page.goto(`${base}/account`);
  driver.expectEqual(victim.page.url(), `${base}/account`, "the session is alive after all of it");
  console.log("the session face is closed to other sites, the token face open: passed");
});
site.close();
