// A real browser, and what must hold of every page it shows, whatever stands on it.
"use strict";

const fs = require("node:fs");
const { chromium } = require("playwright-core");

// an empty profile each time, and nothing that goes out by itself
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-dev-shm-usage",
];
const AXE = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"];

// characters that turn or hide text
const HIDDEN = /[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u061c\ufeff\u2060-\u2064\u00ad\u180e]/u;

const problems = [];
const wrong = (where, what) => problems.push(`${where}: ${what}`);

async function open() {
  return chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: FLAGS });
}

// A tab that remembers everything that should not happen in it.
async function tab(browser, origin, options = {}) {
  const context = await browser.newContext(options);
  await context.addInitScript(() => {
    window.fired = [];
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
      window[name] = (...words) => { window.fired.push(`${name}(${words.join()})`); return null; };
    }
    document.addEventListener("securitypolicyviolation", (event) => {
      window.fired.push(`policy ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  const here = () => page.url().replace(origin, "");
  page.on("console", (message) => {
    if (page.expected && page.expected.test(message.text())) return;
    if (["error", "warning"].includes(message.type())) wrong(here(), `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => wrong(here(), `script: ${error.message}`));
  page.on("dialog", (dialog) => { wrong(here(), `dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("popup", (other) => wrong(here(), `a window was opened: ${other.url()}`));
  const inside = (url) => url.startsWith(origin) || url.startsWith("data:") || url === "about:blank";
  await context.route("**/*", (route) => {
    if (inside(route.request().url())) return route.continue();
    wrong(here(), `a request to elsewhere: ${route.request().url()}`);
    return route.abort();
  });
  // what routes do not see, the network log does
  const log = await context.newCDPSession(page);
  await log.send("Network.enable");
  log.on("Network.requestWillBeSent", ({ request }) => {
    if (!inside(request.url)) wrong(here(), `a request to elsewhere: ${request.url}`);
  });
  log.on("Network.webSocketCreated", ({ url }) => wrong(here(), `a socket to ${url}`));
  return page;
}

// What must hold wherever one is.
async function look(page, where) {
  const found = await page.evaluate(() => ({
    fired: window.fired || [],
    lang: document.documentElement.lang,
    title: document.title,
    heads: document.querySelectorAll("h1").length,
    // what the reader typed stands in its field as it was typed
    text: document.documentElement.outerHTML.replace(/(<input[^>]*) value="[^"]*"/g, "$1"),
    inline: [...document.querySelectorAll("*")].flatMap((element) =>
      [...element.attributes]
        .filter(({ name, value }) =>
          /^on/i.test(name) || name === "style" ||
          (name !== "value" && /^\s*(javascript|vbscript|data):/i.test(value)))
        .map(({ name, value }) => `${element.tagName} ${name}=${value}`)),
    // data may stand in a script that no browser runs
    scripts: [...document.scripts].filter((script) => !script.src && script.type !== "application/json").length,
  }));
  for (const what of found.fired) wrong(where, `fired: ${what}`);
  if (found.lang !== "en") wrong(where, `its language is '${found.lang}'`);
  if (!found.title) wrong(where, "it has no title");
  if (found.heads !== 1) wrong(where, `it has ${found.heads} headings of the first level`);
  for (const what of found.inline) wrong(where, `inline: ${what}`);
  if (found.scripts > 0) wrong(where, "it has a script of its own");
  const hidden = HIDDEN.exec(found.text);
  if (hidden) {
    const around = found.text.slice(Math.max(0, hidden.index - 60), hidden.index + 20);
    wrong(where, `a hidden character U+${hidden[0].codePointAt(0).toString(16)} in: ${around}`);
  }
}

// What axe says, in the colours in force.
async function accessible(page, where) {
  await page.evaluate(AXE);
  const results = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }),
    RULES,
  );
  for (const { id, help, nodes } of results.violations) {
    const some = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any.concat(node.all)[0]?.message ?? ""}`);
    wrong(where, `axe ${id} (${help}) at ${nodes.length}: ${some.join(" | ")}`);
  }
  return results.violations.length;
}

// No page scrolls sideways, however narrow.
async function narrow(page, where) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const found = await page.evaluate(() => {
    const root = document.documentElement;
    const wide = [...document.body.querySelectorAll("*")].find((element) => {
      if (element.closest(".scroll, pre, [role=region][tabindex]")) return false;
      const box = element.getBoundingClientRect();
      return box.width > 0 && box.right > root.clientWidth + 1;
    });
    return {
      width: root.scrollWidth,
      least: root.clientWidth,
      which: wide ? `${wide.tagName}.${wide.className} ${wide.textContent.slice(0, 60)}` : "",
    };
  });
  if (found.width > found.least) wrong(where, `at 320 px it is ${found.width} px wide: ${found.which}`);
  await page.setViewportSize(size);
}

// Names of elements, and of attributes with their element.
function shape(page) {
  return page.evaluate(() => {
    const names = new Set();
    for (const element of document.querySelectorAll("*")) {
      names.add(element.tagName.toLowerCase());
      for (const { name } of element.attributes) names.add(`${element.tagName.toLowerCase()}[${name}]`);
    }
    return [...names];
  });
}

// Every address on the site that a link on this page leads to.
function links(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("a[href], area[href], form[action]")].map((element) =>
      // of a link in a drawing, href is no text
      ({
        href: new URL(element.getAttribute("href") ?? element.getAttribute("action"), document.baseURI).href,
        download: element.hasAttribute("download"),
      })));
}

// Ends the process with everything that was wrong, or says what was done.
function end(done) {
  const known = [...new Set(problems)];
  if (known.length > 0) {
    console.error(known.slice(0, 60).join("\n"));
    console.error(`${known.length} in all`);
    process.exit(1);
  }
  console.log(JSON.stringify(done));
  process.exit(0);
}

// What was wrong so far, and is forgotten now.
const found = () => problems.splice(0);

function main(act) {
  act().catch((error) => {
    console.error([...new Set(problems)].join("\n"));
    console.error(error.stack);
    process.exit(1);
  });
}

module.exports = { open, tab, look, accessible, narrow, shape, links, wrong, found, end, main };
