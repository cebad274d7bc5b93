// The pages as people use them: use.js ORIGIN SLUG REPOSITORY PROOF. A proof of entry 5 is saved as
// PROOF; REPOSITORY is where a further entry is recorded while somebody looks.
"use strict";

const { execFileSync } = require("node:child_process");
const { open, tab, look, wrong, end, main } = require("./browser.js");

main(async () => {
  const [origin, slug, repository, proof] = process.argv.slice(2);
  const base = `${origin}/l/${slug}/`;
  const done = [];
  const browser = await open();
  const page = await tab(browser, origin, {
    viewport: { width: 1200, height: 800 },
    permissions: ["clipboard-read", "clipboard-write"],
    acceptDownloads: true,
  });
  const at = () => page.url().replace(origin, "");
  const check = (holds, what) => { if (!holds) wrong(at(), what); done.push(what); };
  const rows = page.locator("[data-row]");
  const to = (pattern) => page.waitForURL(pattern, { timeout: 5000 });

  // from all ledgers to one, to its log
  await page.goto(`${origin}/`);
  await page.locator(`a[href='/l/${slug}/']`).first().click();
  check(page.url() === base, "a ledger opens");
  await page.locator("a[data-key=l]").click();
  check(page.url() === `${base}log`, "its log opens");
  check((await rows.count()) === 50, "fifty entries are shown");

  // words that filter live in the address
  await page.fill("#q", "type:dev.cdevents.service.* -env:staging");
  await page.keyboard.press("Enter");
  await to(/q=/);
  const filtered = page.url();
  const texts = await rows.allInnerTexts();
  check(texts.length > 0 && texts.every((text) => text.includes("service")), "a filter selects");
  await page.locator(".words a").last().click();
  await to((url) => String(url) !== filtered);
  check(!decodeURIComponent(page.url()).includes("staging"), "a word is left out by a click");
  await page.goBack();
  check(page.url() === filtered, "back is back");
  check((await page.inputValue("#q")).includes("staging"), "and so are the words");
  page.expected = /the server responded with a status of 400/;
  await page.fill("#q", "outcome:success tpye:x");
  await page.keyboard.press("Enter");
  await to(/tpye/);
  check((await page.inputValue("#q")) === "outcome:success tpye:x", "a wrong word stays in its place");
  check((await page.locator("#problem").innerText()).includes("tpye"), "and is named");
  check((await page.getAttribute("#q", "aria-invalid")) === "true", "and the field says so");
  await look(page, at());
  page.expected = null;

  // older and newer
  await page.goto(`${base}log`);
  const newest = await rows.first().getAttribute("data-row");
  await page.locator("a[rel~=next]").click();
  await to(/before=/);
  check((await rows.first().getAttribute("data-row")) !== newest, "older entries follow");
  await page.locator("a[rel~=first]").click();
  check((await rows.first().getAttribute("data-row")) === newest, "and lead back to the newest");

  // keys
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const open_link = await page.evaluate(() => document.activeElement.getAttribute("href"));
  check(open_link && open_link.includes("/entry/"), "j and k walk along the rows");
  await page.keyboard.press("Enter");
  await to(/\/entry\//);
  const first = page.url();
  await page.keyboard.press("ArrowLeft");
  await to((url) => String(url) !== first);
  await page.keyboard.press("ArrowRight");
  await to(first);
  done.push("arrows walk from entry to entry");
  for (const [key, path] of [["o", ""], ["l", "log"], ["p", "policy"], ["f", "findings"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await to(base + path);
  }
  done.push("g and a letter go to pages");
  await page.goto(`${base}log`);
  await page.keyboard.press("/");
  check((await page.evaluate(() => document.activeElement.id)) === "q", "/ goes to the words");
  await page.keyboard.type("?j");
  check((await page.inputValue("#q")) === "?j", "where people write, keys are letters");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await to(/\/help/);
  done.push("? explains");
  await page.locator("button[data-keys]").click();
  await page.goto(`${base}log`);
  await page.keyboard.press("j");
  check(await page.evaluate(() => document.activeElement === document.body), "keys are switched off");
  await page.goto(`${origin}/help`);
  await page.locator("button[data-keys]").click();

  // the first thing that TAB reaches leads past the navigation
  await page.goto(`${base}log`);
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement.className)) === "skip", "TAB offers to skip");
  await page.keyboard.press("Enter");
  check(page.url().endsWith("#main"), "and skips");

  // an entry: what is copied, what is saved
  await page.goto(`${base}entry/5`);
  await page.locator("button[data-copy]").first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  check(copied === (await page.locator("button[data-copy]").first().getAttribute("data-copy")), "a digest is copied");
  const saving = page.waitForEvent("download");
  await page.locator("a[href$='/entry/5/proof']").first().click();
  await (await saving).saveAs(proof);
  done.push("the proof is saved");
  const raw = await page.request.get(`${base}entry/5/raw`);
  check(raw.headers()["content-type"].startsWith("text/plain"), "the commit's bytes are plain text");
  check((await raw.text()).startsWith("tree "), "and all of them");

  // somebody records while somebody looks
  await page.goto(`${base}log`);
  const before = await rows.count();
  await page.locator("button[data-tail]").click();
  await page.locator("[data-tail-state]", { hasText: "live" }).waitFor({ timeout: 5000 });
  for (const number of [1, 2]) {
    execFileSync("git-ledger", ["append", "dev.acme.seen", "--subject", `live ${number}`], { cwd: repository });
    const row = page.locator("[data-row]", { hasText: `live ${number}` });
    await row.waitFor({ timeout: 15000 });
    check((await row.count()) === 1, `entry ${number} comes by itself, once`);
  }
  check((await rows.count()) === before + 2, "and nothing else came");
  await look(page, `${at()} live`);
  await page.locator("button[data-tail]").click();
  await page.locator("[data-tail-state]", { hasText: "paused" }).waitFor({ timeout: 5000 });
  done.push("and it stops");
  await page.context().close();

  // without scripts
  const plain = await tab(browser, origin, { javaScriptEnabled: false });
  await plain.goto(`${origin}/`);
  await plain.locator(`a[href='/l/${slug}/']`).first().click();
  await plain.locator("a[data-key=l]").click();
  await plain.fill("#q", "signer:ann*");
  await plain.locator("form.search button[type=submit]").click();
  const shown = await plain.locator("[data-row]").count();
  if (shown === 0) wrong("without scripts", "nothing is found");
  await plain.locator("[data-row] a[data-open]").first().click();
  if (!/\/entry\/\d+$/.test(plain.url())) wrong("without scripts", `an entry is at ${plain.url()}`);
  await plain.locator("a[rel~=prev]").click();
  if ((await plain.locator("h1").count()) !== 1) wrong("without scripts", "no entry before it");
  for (const hidden of ["button[data-copy]", "button[data-keys]"]) {
    const visible = await plain.locator(`${hidden}:visible`).count();
    if (visible > 0) wrong("without scripts", `${hidden} is shown and does nothing`);
  }
  for (const path of ["", "trace?of=refs/heads/main", "replay", "policy", "findings", "exceptions"]) {
    const answer = await plain.goto(base + path);
    if (answer.status() !== 200) wrong("without scripts", `${path}: ${answer.status()}`);
  }
  done.push("all of it without scripts");
  await browser.close();
  end(done);
});
