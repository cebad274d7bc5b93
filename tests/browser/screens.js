// Pictures of pages: screens.js ORIGIN DIR SLUG NUMBER OTHER: of each kind of page, light, dark and
// narrow; SLUG is a ledger, NUMBER an entry of it, OTHER a ledger that is in breach.
"use strict";

const path = require("node:path");
const { open, tab, end, main } = require("./browser.js");

main(async () => {
  const [origin, dir, slug, number, other] = process.argv.slice(2);
  const pages = {
    ledgers: "/",
    overview: `/l/${slug}/`,
    log: `/l/${slug}/log`,
    filter: `/l/${slug}/log?q=type:dev.cdevents.service.*+env:production`,
    typo: `/l/${slug}/log?q=outcome:failure+tpye:x`,
    entry: `/l/${slug}/entry/${number}`,
    trace: `/l/${slug}/trace?of=payments/9001`,
    replay: `/l/${slug}/replay?at=${number}`,
    policy: `/l/${slug}/policy`,
    findings: `/l/${slug}/findings`,
    exceptions: `/l/${slug}/exceptions`,
    help: "/help",
    breach: `/l/${other}/`,
    "breach-findings": `/l/${other}/findings`,
  };
  const looks = {
    light: { colorScheme: "light", viewport: { width: 1200, height: 900 } },
    dark: { colorScheme: "dark", viewport: { width: 1200, height: 900 } },
    narrow: { colorScheme: "light", viewport: { width: 360, height: 760 }, isMobile: true },
  };
  const browser = await open();
  const taken = [];
  // what is counted in the background is waited for
  const first = await tab(browser, origin);
  for (let tries = 0; tries < 240; tries += 1) {
    await first.goto(origin + pages.overview);
    if (!(await first.locator("main").innerText()).includes("so far")) break;
    await first.waitForTimeout(500);
  }
  await first.context().close();
  for (const [look, options] of Object.entries(looks)) {
    const page = await tab(browser, origin, options);
    page.expected = /status of 4/;
    for (const [name, address] of Object.entries(pages)) {
      await page.goto(origin + address, { waitUntil: "load" });
      const file = path.join(dir, `${name}-${look}.png`);
      await page.screenshot({ path: file });
      taken.push(file);
    }
    await page.context().close();
  }
  await browser.close();
  end(taken);
});
