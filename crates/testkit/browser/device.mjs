// A device that asks to be let in (RFC 8628), and the person in front of it: the link with the code, the login on the way, the
// question, both answers, a code that is mistyped. BASE_URL names a server in dev mode, EMAIL and PASSWORD an account.

import * as driver from "./driver.mjs";

const base = process.env.BASE_URL;
const { EMAIL, PASSWORD } = process.env;
const GRANT = "urn:ietf:params:oauth:grant-type:device_code";

async function post(path, body, type) {
  const headers = { "content-type": type };
  const response = await fetch(`${base}${path}`, { method: "POST", headers, body });
  return response.json();
}

function form(path, fields) {
  return post(path, new URLSearchParams(fields).toString(), "application/x-www-form-urlencoded");
}

/** A device with its codes: `poll` says what the token endpoint answers. */
async function device(client_id) {
  const codes = await form("/oauth2/device_authorization", { client_id, scope: "openid email offline_access" });
  driver.expect(codes.user_code, `a device that asks gets codes: ${JSON.stringify(codes)}`);
  const poll = () => form("/oauth2/token", { grant_type: GRANT, client_id, device_code: codes.device_code });
  return { ...codes, poll };
}

/** What every page must be, whatever it says. */
async function look(somebody, name) {
  await driver.screenshot(somebody, `device-${name}`);
  if (somebody.script) {
    await driver.expectNoSidewaysScroll(somebody);
    await driver.expectAccessible(somebody);
  }
  driver.expectNoProblems(somebody);
  driver.expectEqual(await somebody.page.locator("h1").count(), 1, `headings of ${somebody.page.url()}`);
}

async function connect(browser, client, options) {
  const somebody = await driver.person(browser, options);
  const { page } = somebody;
  const first = await device(client);
  await page.goto(first.verification_uri_complete);
  driver.expect(page.url().includes("/login?return_to="), `a code asks for a login: ${page.url()}`);
  await page.fill("#username", EMAIL);
  await page.fill("#password", PASSWORD);
  await page.click("#login-submit");
  driver.expectEqual(page.url(), first.verification_uri_complete, "a login leads back to the code");
  driver.expectEqual((await page.textContent("#device-code")).trim(), first.user_code, "the code that is shown");
  await look(somebody, "confirm");
  driver.expectEqual((await first.poll()).error, "authorization_pending", "before the answer");
  await page.click("#consent-allow");
  driver.expectEqual(page.url(), `${base}/device?done=allow`, "after a yes");
  await look(somebody, "allowed");
  driver.expect((await first.poll()).access_token, "a yes gives the device its tokens");

  const second = await device(client);
  await page.goto(second.verification_uri);
  await look(somebody, "enter");
  await page.fill("#user_code", "BCDF-GHJ");
  await page.click("#device-submit");
  driver.expect(await page.locator("[role=alert]").count(), "a mistyped code is refused in words");
  await look(somebody, "unknown");
  await page.fill("#user_code", second.user_code.replace("-", "").toLowerCase());
  await page.click("#device-submit");
  driver.expectEqual(page.url(), second.verification_uri_complete, "a code that was typed leads to the question");
  await page.click("#consent-deny");
  await look(somebody, "denied");
  driver.expectEqual((await second.poll()).error, "access_denied", "after a no");
  await somebody.context.close();
}

await driver.journey(async (browser) => {
  const metadata = { client_name: "Notes for TV", token_endpoint_auth_method: "none", response_types: [] };
  const described = JSON.stringify({ ...metadata, grant_types: [GRANT, "refresh_token"] });
  const { client_id } = await post("/oauth2/register", described, "application/json");
  await Promise.all([
    connect(browser, client_id, { locale: "en", scheme: "light", script: true, width: 1000 }),
    connect(browser, client_id, { locale: "ko", scheme: "dark", script: true, width: 320 }),
  ]);
  await Promise.all([
    connect(browser, client_id, { locale: "en", scheme: "dark", script: false, width: 320 }),
    connect(browser, client_id, { locale: "ko", scheme: "light", script: false, width: 1000 }),
  ]);
  console.log("a device let in and kept out, in both languages, with and without JavaScript: passed");
});
