// Files that open without a network: offline.js FILE HONEST. Prints of what the page is made; where
// HONEST is a file, the shape of another report, it may have no more.
"use strict";

const fs = require("node:fs");
const { pathToFileURL } = require("node:url");
const { open, tab, look, accessible, narrow, shape, links, wrong, end, main } = require("./browser.js");

main(async () => {
  const [file, honest] = process.argv.slice(2);
  const address = pathToFileURL(file).href;
  const known = honest === "-" ? null : new Set(JSON.parse(fs.readFileSync(honest)).shape);
  const browser = await open();
  const page = await tab(browser, address, { viewport: { width: 1200, height: 800 }, offline: true });
  await page.goto(address, { waitUntil: "load" });
  await look(page, file);
  for (const colours of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: colours });
    await accessible(page, colours);
  }
  await narrow(page, file);
  for (const { href } of await links(page)) {
    if (!href.startsWith(`${address}#`)) wrong(file, `a link leads to ${href}`);
    else if (!(await page.evaluate((id) => Boolean(document.getElementById(id)), decodeURIComponent(href.split("#")[1])))) {
      wrong(file, `a link leads nowhere: ${href}`);
    }
  }
  const made = await shape(page);
  for (const name of made) if (known && !known.has(name)) wrong(file, `it has ${name}, and no honest one has`);
  const policy = await page.locator("meta[http-equiv='Content-Security-Policy']").getAttribute("content");
  if (!policy.includes("default-src 'none'") || policy.includes("unsafe")) wrong(file, `its policy is ${policy}`);
  // on paper, nothing is folded away
  await page.emulateMedia({ media: "print" });
  const paper = await page.pdf({ format: "A4" });
  await browser.close();
  end({ shape: made, paper: paper.length });
});
