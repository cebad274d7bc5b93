// Whether what is wrong with a page is found: one page, one fault, and what must be said of it.
"use strict";

const http = require("node:http");
const { open, tab, look, accessible, narrow, found, end, wrong, main } = require("./browser.js");

const page = (body, head = "") =>
  `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title>${head}</head><body><main><h1>h</h1>${body}</main></body></html>`;
const FAULTS = [
  ["a script that runs", page("<script>alert(1)</script>"), /fired: alert\(1\)/],
  ["a handler that runs", page("<img src=/x onerror=alert(2) alt=x>"), /fired: alert\(2\)/],
  ["an error of a script", page("<script>nobody()</script>"), /script: nobody/],
  ["a handler", page("<p onclick=x()>p</p>"), /inline: P onclick/],
  ["a style of its own", page("<p style='color:red'>p</p>"), /inline: P style/],
  ["an address that is a script", page("<a href='javascript:x()'>a</a>"), /inline: A href/],
  ["something from elsewhere", page("<img src=http://127.0.0.2:9/x alt=x>"), /a request to elsewhere/],
  ["a policy that is broken", page("<p>p</p>", "<meta http-equiv=Content-Security-Policy content=\"img-src 'none'\"><img src=/x>"), /fired: policy img-src/],
  ["text that is turned round", page("<p>safe\u202egnp.exe</p>"), /hidden character U\+202e/],
  ["text too faint to read", page("<p class=x>text</p>", "<style>.x{color:#ccc;background:#fff}</style>"), /axe color-contrast/],
  ["a field without a name", page("<input>"), /axe label/],
  ["a page too wide", page("<p class=x>text</p>", "<style>.x{width:900px}</style>"), /at 320 px it is/],
  ["no title", page("<p>p</p>").replace("<title>t</title>", ""), /it has no title/],
  ["two headings", page("<h1>again</h1>"), /2 headings of the first level/],
];

main(async () => {
  const server = http.createServer((request, response) => {
    const fault = FAULTS[Number(request.url.slice(1))];
    response.writeHead(fault ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
    response.end(fault ? fault[1] : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await open();
  const missed = [];
  for (const [at, [name, , said]] of FAULTS.entries()) {
    const it = await tab(browser, origin, { viewport: { width: 1000, height: 700 } });
    await it.goto(`${origin}/${at}`, { waitUntil: "load" });
    await it.waitForTimeout(50);
    await look(it, name);
    await accessible(it, name);
    await narrow(it, name);
    if (!found().some((what) => said.test(what))) missed.push(`not found: ${name}`);
    await it.context().close();
  }
  await browser.close();
  server.close();
  for (const what of missed) wrong("teeth", what);
  end(FAULTS.map(([name]) => name));
});
