// The panel as a widget: messages in, messages out.

import { mount } from "./panel.js";

const HERE_MS = 20_000;

async function unpack(buffer) {
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

function render({ model, el }) {
  const view = crypto.randomUUID?.() ?? String(Math.random());
  const panel = mount(el, { focus: model.get("focus"), chosen: model.get("chosen"), send: message => model.send(message) });
  const hello = () => model.send({ t: "hello", view });
  let seq = null, queue = Promise.resolve();
  const take = (number, news) => {
    if (seq === null && !news.all) return;
    if (seq !== null && number !== seq + 1) hello();
    seq = number;
    panel.root.dataset.seq = number;
    panel.news(news);
  };
  const listen = (message, buffers) => {
    if (message.t !== "news") return;
    queue = queue.then(async () => take(message.seq, await unpack(buffers[0]))).catch(error => console.error("nbsched", error));
  };
  model.on("msg:custom", listen);
  const here = setInterval(() => document.hidden || model.send({ t: "here", view }), HERE_MS);
  hello();
  return () => {
    clearInterval(here);
    model.off("msg:custom", listen);
    try {
      model.send({ t: "bye", view });
    } catch {
      // the kernel has gone: there is nobody to tell
    }
    panel.dispose();
  };
}

export default { render };
