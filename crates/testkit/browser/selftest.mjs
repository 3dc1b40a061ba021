// The driver proves itself on pages of its own before a journey trusts it.

import * as http from "node:http";
import * as driver from "./driver.mjs";

const GOOD = `<!doctype html><html lang="en"><title>Good</title><main><h1>Good</h1>
<p id="script">plain</p><p id="language"></p></main>
<script>document.getElementById("script").textContent = "script";
document.getElementById("language").textContent = navigator.language;</script></html>`;
const BAD = `<!doctype html><html><title>Bad</title><main><h1>Bad</h1><input><div style="width:9000px">wide</div></main>
<script>nothing.here()</script></html>`;

async function refused(attempt, what) {
  const failed = await Promise.resolve().then(attempt).then(() => false, () => true);
  driver.expect(failed, `${what} was not noticed`);
}

const server = http.createServer((request, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(request.url === "/bad" ? BAD : GOOD);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const origin = `http://127.0.0.1:${server.address().port}`;

await driver.journey(async (browser) => {
  for (const [locale, language] of [["en", "en-US"], ["ko", "ko-KR"]]) {
    const somebody = await driver.person(browser, { locale, scheme: "dark" });
    await somebody.page.goto(`${origin}/`);
    driver.expectEqual(await somebody.page.textContent("#language"), language, "the browser's language");
    await driver.expectAccessible(somebody);
    await driver.expectNoSidewaysScroll(somebody);
    await driver.screenshot(somebody, "selftest");
    await somebody.context.close();
  }

  const plain = await driver.person(browser, { script: false });
  await plain.page.goto(`${origin}/`);
  driver.expectEqual(await plain.page.textContent("#script"), "plain", "a browser without JavaScript");

  const victim = await driver.person(browser);
  await victim.page.goto(`${origin}/bad`);
  await refused(() => driver.expectNoProblems(victim), "a script error");
  await refused(() => driver.expectAccessible(victim), "an input without a label");
  await refused(() => driver.expectNoSidewaysScroll(victim), "a page that scrolls sideways");

  const protocol = await driver.devtools(victim);
  const { product } = await protocol.send("Browser.getVersion");
  console.log(`driver self-test passed on ${product}`);
});
server.close();
