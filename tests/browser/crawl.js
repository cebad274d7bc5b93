// From the first page to every page that links lead to, at most so many of a kind:
// crawl.js ORIGIN MOST HONEST [ADDRESS …]. Prints which kinds there were and of which elements and
// attributes they are made; where HONEST is a file, the shapes of another ledger's pages, none may
// have more.
"use strict";

const fs = require("node:fs");
const { open, tab, look, accessible, narrow, shape, links, wrong, end, main } = require("./browser.js");

// the kind of a page: its path without what differs
const kind = (url) => {
  const { pathname } = new URL(url);
  return pathname
    .replace(/^\/l\/[^/]+/, "/l/*")
    .replace(/\/(entry|policy|commit)\/[^/]+/, "/$1/*");
};
const PAGES = /^\/($|l\/|help$)/;

main(async () => {
  const [origin, most, honest, ...more] = process.argv.slice(2);
  // "-": nobody asks for shapes, and every page is looked at closely; "shape": only shapes are wanted
  const close = honest === "-";
  const known = honest && !["-", "shape"].includes(honest) ? new Set(JSON.parse(fs.readFileSync(honest)).shape) : null;
  const browser = await open();
  const page = await tab(browser, origin, { viewport: { width: 1200, height: 800 } });
  const waiting = [`${origin}/`, ...more.map((address) => origin + address)];
  const asked = new Set(more.map((address) => origin + address));
  const seen = new Set();
  const kinds = {};
  const shapes = new Set();
  let looks = 0;
  while (waiting.length > 0) {
    const address = waiting.shift().split("#")[0];
    const its = kind(address);
    if (seen.has(address) || (!asked.has(address) && (kinds[its] ?? 0) >= Number(most))) continue;
    seen.add(address);
    kinds[its] = (kinds[its] ?? 0) + 1;
    const where = address.replace(origin, "");
    // an address that was asked for may be a wrong one: the page says so, and the console with it
    page.expected = asked.has(address) ? /the server responded with a status of (4|503)/ : null;
    const answer = await page.goto(address, { waitUntil: "load" });
    if (!asked.has(address) && answer.status() !== 200) wrong(where, `status ${answer.status()}`);
    // what cannot be told now has a page that says so
    if (answer.status() >= 500 && answer.status() !== 503) wrong(where, `status ${answer.status()}`);
    const policy = answer.headers()["content-security-policy"] ?? "";
    if (!policy.includes("default-src 'none'")) wrong(where, `its policy is '${policy}'`);
    if (policy.includes("unsafe")) wrong(where, `its policy is '${policy}'`);
    await look(page, where);
    for (const name of await shape(page)) {
      shapes.add(name);
      if (known && !known.has(name)) wrong(where, `it has ${name}, and no honest page has`);
    }
    if (close) {
      await narrow(page, where);
      for (const colours of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: colours });
        await accessible(page, `${where} (${colours})`);
        looks += 1;
      }
      await page.emulateMedia({ colorScheme: "light" });
    }
    for (const { href, download } of await links(page)) {
      const { origin: its, pathname } = new URL(href);
      if (its !== origin) wrong(where, `a link leads to ${href}`);
      else if (!download && PAGES.test(pathname) && !/\/(raw|proof)$/.test(pathname)) waiting.push(href);
    }
  }
  await browser.close();
  end({ kinds, looks, shape: [...shapes].sort() });
});
