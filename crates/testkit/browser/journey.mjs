// A person's first day with Countersign, in a language, with or without JavaScript: register, read the mail, verify, log
// in, look at the account and its sessions, change the password, log out, forget the password, reset it, log in.
// BASE_URL names a server in dev mode; its inbox is read as its owner would, in another tab.

import * as driver from "./driver.mjs";

const base = process.env.BASE_URL;
const PASSWORD = "correct horse battery staple";
const NEW_PASSWORD = "seven brave little foxes jumped";
const RESET_PASSWORD = "another quiet morning in october";
const WORDS = {
  en: { signIn: "Sign in", signOut: "Sign out?", signedOut: "You are signed out" },
  ko: { signIn: "로그인", signOut: null, signedOut: null },
};

async function newestMail(page, to) {
  const response = await page.request.get(`${base}/dev/inbox`, { headers: { accept: "application/json" } });
  const { messages } = await response.json();
  const mail = messages.find((message) => message.to === to);
  driver.expect(mail, `no mail to ${to}`);
  return mail;
}

/** What every page must be, whatever it says. */
async function look(somebody, name) {
  await driver.screenshot(somebody, name);
  await driver.expectNoSidewaysScroll(somebody).catch((error) => {
    // A browser without JavaScript cannot measure itself; the one with it looks at the same pages.
    if (somebody.script) throw error;
  });
  if (somebody.script) await driver.expectAccessible(somebody);
  driver.expectNoProblems(somebody);
  const headings = await somebody.page.locator("h1").count();
  driver.expectEqual(headings, 1, `headings of ${somebody.page.url()}`);
}

async function heading({ page }) {
  return (await page.locator("h1").textContent()).trim();
}

async function logIn({ page }, email, password) {
  await page.fill("#username", email);
  await page.fill("#password", password);
  await page.click("#login-submit");
}

async function firstDay(browser, options) {
  const somebody = await driver.person(browser, options);
  const { page } = somebody;
  const email = `kim.${somebody.label}@example.org`;
  const words = WORDS[options.locale];

  await page.goto(`${base}/`);
  await look(somebody, "home");

  await page.goto(`${base}/register`);
  await look(somebody, "register");
  await page.fill("[name=email]", email);
  await page.fill("[name=name]", "Kim <b>Minji</b>");
  await page.fill("[name=password]", "password");
  await page.click("#register-submit");
  driver.expect(await page.locator("[role=alert]").count(), "a common password is refused with a reason");
  await look(somebody, "register-refused");
  await page.fill("[name=password]", PASSWORD);
  await page.click("#register-submit");
  driver.expect(page.url().includes("/verify"), `after registering: ${page.url()}`);
  await look(somebody, "check-mail");

  const mail = await newestMail(page, email);
  driver.expect(/^\d{6}$/.test(mail.code), `the mail has a code of six digits: ${mail.code}`);
  driver.expectEqual(mail.links.length, 1, "links in the mail");
  driver.expect(mail.links[0].startsWith(`${base}/verify?token=`), `the link is ours: ${mail.links[0]}`);
  await page.goto(mail.links[0]);
  await look(somebody, "verify");
  await page.locator("main form button.primary").click();
  await look(somebody, "verified");

  await page.goto(`${base}/account/sessions`);
  driver.expect(page.url().includes("/login?return_to="), `a page of one's own asks for a login: ${page.url()}`);
  driver.expectEqual(await heading(somebody), words.signIn, "the login page's heading");
  await look(somebody, "login");
  await logIn(somebody, email, "not the password");
  driver.expect(await page.locator("[role=alert]").count(), "a wrong password is refused in words");
  await look(somebody, "login-refused");
  await logIn(somebody, email, PASSWORD);
  driver.expectEqual(page.url(), `${base}/account/sessions`, "a login leads back to where it was asked for");
  await look(somebody, "sessions");

  await page.goto(`${base}/account`);
  driver.expect((await page.textContent("main")).includes(email), "the account shows its address");
  driver.expect((await page.content()).includes("Kim &lt;b&gt;Minji&lt;/b&gt;"), "a name is text, not markup");
  await look(somebody, "account");

  await page.goto(`${base}/account/security`);
  await look(somebody, "security");
  await page.fill("[name=current]", "not the password");
  await page.fill("[name=new]", NEW_PASSWORD);
  await page.click("#password-submit");
  driver.expect(await page.locator("[role=alert]").count(), "the current password is asked for");
  await look(somebody, "security-refused");
  await page.fill("[name=current]", PASSWORD);
  await page.fill("[name=new]", NEW_PASSWORD);
  await page.click("#password-submit");
  driver.expectEqual(page.url(), `${base}/account/security?changed=1`, "after the change");
  await look(somebody, "security-changed");

  await page.goto(`${base}/logout`);
  if (words.signOut) driver.expectEqual(await heading(somebody), words.signOut, "the logout page's heading");
  await look(somebody, "logout");
  await page.click("#logout-confirm");
  if (words.signedOut) driver.expectEqual(await heading(somebody), words.signedOut, "after the logout");
  await look(somebody, "signed-out");
  await page.goto(`${base}/account`);
  driver.expect(page.url().includes("/login"), "a session that was logged out opens nothing");

  await page.goto(`${base}/recover`);
  await look(somebody, "recover");
  await page.fill("[name=email]", email);
  await page.click("#recover-submit");
  await look(somebody, "recover-sent");
  const reset = await newestMail(page, email);
  await page.goto(reset.links[0]);
  await look(somebody, "reset");
  await page.fill("[name=password]", RESET_PASSWORD);
  await page.click("#reset-submit");
  driver.expect(page.url().startsWith(`${base}/login`), `after the reset: ${page.url()}`);
  await look(somebody, "login-after-reset");
  await logIn(somebody, email, RESET_PASSWORD);
  driver.expectEqual(page.url(), `${base}/account`, "the new password logs in");
  await page.goto(reset.links[0]);
  await look(somebody, "reset-dead");

  await page.goto(`${base}/no-such-page`);
  await look(somebody, "not-found");
  await page.goto(`${base}/dev/inbox`);
  await look(somebody, "inbox");
  await somebody.context.close();
}

/** One account in two browsers: confirmed by code in the other one, seen from each, ended from the list. */
async function twoBrowsers(browser) {
  const one = await driver.person(browser, { width: 390 });
  const other = await driver.person(browser, { width: 390 });
  const email = "two.browsers@example.org";
  await one.page.goto(`${base}/register`);
  await one.page.fill("[name=email]", email);
  await one.page.fill("[name=password]", PASSWORD);
  await one.page.click("#register-submit");
  const { code } = await newestMail(one.page, email);

  await other.page.goto(`${base}/verify`);
  await look(other, "check-mail-elsewhere");
  await other.page.fill("#email", email);
  await other.page.fill("#code", code === "000000" ? "000001" : "000000");
  await other.page.fill("#password", PASSWORD);
  await other.page.click("#verify-submit");
  driver.expect(await other.page.locator("[role=alert]").count(), "a wrong code is refused in words");
  await look(other, "check-mail-refused");
  await other.page.fill("#code", code);
  await other.page.fill("#password", PASSWORD);
  await other.page.click("#verify-submit");

  for (const { page } of [one, other]) {
    await page.goto(`${base}/login?return_to=%2Faccount%2Fsessions`);
    await page.check("[name=remember]");
    await logIn({ page }, email, PASSWORD);
  }
  const [session] = (await other.context.cookies()).filter(({ name }) => name === "__Host-Http-session");
  const days = (session.expires * 1000 - Date.now()) / 86_400_000;
  driver.expect(days > 59 && days <= 60, `a remembered session's cookie lives 60 days, not ${days}`);
  driver.expectEqual(await other.page.locator(".things li").count(), 2, "sessions in the list");
  await look(other, "sessions-two");
  await other.page.click(".things form button");
  driver.expectEqual(await other.page.locator(".things li").count(), 1, "sessions left");
  await look(other, "sessions-ended");
  await one.page.goto(`${base}/account`);
  driver.expect(one.page.url().includes("/login"), "the ended session opens nothing");
  await one.context.close();
  await other.context.close();
}

/** A browser that keeps no cookie is told so, instead of being asked for the password again and again. */
async function withoutCookies(browser) {
  const somebody = await driver.person(browser);
  await somebody.page.goto(`${base}/login?done=1&return_to=%2Faccount`);
  driver.expect(!(await somebody.page.locator("#password").count()), "no second try without a cookie");
  await look(somebody, "no-cookie");
  await somebody.context.close();
}

/** The buttons at the foot of each page change the language and stay on the page. */
async function languages(browser) {
  const somebody = await driver.person(browser, { locale: "en" });
  await somebody.page.goto(`${base}/login?return_to=%2Faccount`);
  await somebody.page.click("footer button[value=ko]");
  driver.expectEqual(await somebody.page.getAttribute("html", "lang"), "ko", "the chosen language");
  driver.expectEqual(somebody.page.url(), `${base}/login?return_to=%2Faccount`, "the same page");
  driver.expectNoProblems(somebody);
  await somebody.context.close();
}

await driver.journey(async (browser) => {
  // Two people at a time: the machine has two cores.
  await Promise.all([
    firstDay(browser, { locale: "en", scheme: "light", script: true, width: 1000 }),
    firstDay(browser, { locale: "ko", scheme: "dark", script: true, width: 320 }),
  ]);
  await Promise.all([
    firstDay(browser, { locale: "en", scheme: "dark", script: false, width: 390 }),
    firstDay(browser, { locale: "ko", scheme: "light", script: false, width: 1000 }),
  ]);
  await Promise.all([languages(browser), twoBrowsers(browser), withoutCookies(browser)]);
  console.log("a first day in both languages, with and without JavaScript: passed");
});
