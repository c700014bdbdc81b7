/**
 * Keeps a page current: each message of the server's events holds a part of the page by its id, as HTML
 * that the server has escaped. Without scripts the pages show how things stood when they were loaded. A
 * page that is not looked at holds no connection, since a browser opens few to one server.
 */
export const LIVE_SCRIPT = `
"use strict";
const address = document.body.dataset.events;
let source = null;
let ended = address === undefined;
function listen() {
  if (ended || document.hidden) return stop();
  if (source !== null) return;
  source = new EventSource(address);
  source.addEventListener("open", () => tell(true));
  source.addEventListener("error", () => tell(false));
  source.addEventListener("message", ({ data }) => {
    const { part, html } = JSON.parse(data);
    const element = document.getElementById(part);
    if (element !== null) element.innerHTML = html;
  });
  source.addEventListener("end", () => {
    ended = true;
    stop();
  });
}
function stop() {
  if (source !== null) source.close();
  source = null;
}
function tell(heard) {
  document.getElementById("lost").hidden = heard;
}
document.addEventListener("visibilitychange", listen);
listen();
`.trim();
