// What every journey shares: one Chromium, contexts as a person would have them, and the checks that
// each page must pass. A journey is a script that calls `journey(async ({ browser, … }) => { … })`.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

// Nothing but the pages under test may use the network or draw over them.
const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const LOCALES = { en: "en-US", ko: "ko-KR" };
const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const STEP_TIMEOUT_MS = 60_000;

/** Runs one journey with a browser of its own; the exit code says how it ended. */
export async function journey(steps) {
  const browser = await launch();
  try {
    await steps(browser);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** Starts Chromium: the one that CHROMIUM_PATH names, else Debian's. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH || "/usr/bin/chromium",
    args: FLAGS,
    chromiumSandbox: false,
  });
}

/**
 * A person with a browser of their own: no cookies yet.
 *
 * `locale` is "en" or "ko", `scheme` is "light" or "dark", `script: false` is a browser without JavaScript.
 * `problems` collects what a page complained about: uncaught errors, console errors (a refused CSP source
 * is one) and requests that failed. Call `expectNoProblems(person)` where the journey should have none.
 */
export async function person(browser, { locale = "en", scheme = "light", script = true, width = 1000, height = 800 } = {}) {
  const context = await browser.newContext({
    locale: LOCALES[locale],
    colorScheme: scheme,
    javaScriptEnabled: script,
    viewport: { width, height },
  });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`page error: ${error.message}`));
  page.on("console", (message) => complains(message, page) && problems.push(`console: ${message.text()}`));
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText;
    // Aborted: the page was left while it still loaded something.
    if (reason !== "net::ERR_ABORTED") problems.push(`request failed: ${request.url()} ${reason}`);
  });
  return { context, page, script, problems, label: [locale, scheme, script ? "script" : "plain", width].join("-") };
}

/** Whether a console message is an error, and not merely the status that this very page was refused with. */
function complains(message, page) {
  const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of");
  const isAboutPage = message.location().url === page.url();
  return message.type() === "error" && !(isStatus && isAboutPage);
}

/** Fails when a page of this person complained, and forgets what it said. */
export function expectNoProblems({ problems }) {
  const found = problems.splice(0);
  expect(found.length === 0, `the page complained:\n  ${found.join("\n  ")}`);
}

/** Fails with the message unless the condition holds. */
export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

/** Fails unless the two are the same, and shows both. */
export function expectEqual(actual, expected, what) {
  expect(actual === expected, `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

/** Saves the whole page as `<name>-<label>.png` in SCREENSHOT_DIR; without that folder it does nothing. */
export async function screenshot({ page, label }, name) {
  const folder = process.env.SCREENSHOT_DIR;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}-${label}.png`), fullPage: true });
}

/** Fails on any WCAG 2.2 A or AA violation that axe finds. Needs a person with JavaScript. */
export async function expectAccessible({ page }) {
  const { violations } = await new AxeBuilder({ page }).withTags(STANDARDS).analyze();
  const lines = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  expect(lines.length === 0, `${page.url()} is not accessible:\n  ${lines.join("\n  ")}`);
}

/** Fails when the page is wider than the window: nothing may need sideways scrolling. */
export async function expectNoSidewaysScroll({ page }) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(content <= window, `${page.url()} is ${content} px wide in a window of ${window} px`);
}

/** The Chrome DevTools protocol of this person's page, for what Playwright has no word for. */
export function devtools({ context, page }) {
  return context.newCDPSession(page);
}
