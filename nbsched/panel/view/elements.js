// Elements of the page, made in few words. Text that comes from people goes in as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

export function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function put(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Lab's single-key shortcuts (d d deletes the cell!) are not for what has the focus here.
export function keepKeys(node) {
  node.setAttribute("data-lm-suppress-shortcuts", "true");
  return node;
}

export function button(label, act, className = "") {
  const node = keepKeys(make("button", className, label));
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

// A button for the pointer, in a row that has the focus and a menu for the keyboard: a row holds nothing else to be focused.
export function push(label, act, className = "") {
  const node = make("span", `push ${className}`.trim(), label);
  node.setAttribute("role", "button");
  node.addEventListener("click", event => {
    event.stopPropagation();
    act();
  });
  node.addEventListener("dblclick", event => event.stopPropagation());
  return node;
}

const CIRCLE = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11z";
// sign: [line, area]
export const SHAPES = {
  "○": [CIRCLE, ""],
  "◌": [CIRCLE, ""],
  "◐": [CIRCLE, "M8 2.5a5.5 5.5 0 0 0 0 11z"],
  "◔": [CIRCLE, "M8 8V2.5A5.5 5.5 0 0 1 13.5 8z"],
  "✓": ["M3 8.6l3.3 3.2L13 4.6", ""],
  "✕": ["M4 4l8 8M12 4l-8 8", ""],
  "■": ["", "M4.5 4.5h7v7h-7z"],
  "⊘": [CIRCLE + "M4.3 11.7l7.4-7.4", ""],
  "‖": ["M5.8 4v8M10.2 4v8", ""],
  "◷": [CIRCLE + "M8 4.8V8l2.2 1.6", ""],
};

export function sign() {
  const line = draw("path", { class: "line" }), area = draw("path", { class: "area" });
  const node = draw("svg", { viewBox: "0 0 16 16", class: "sign", "aria-hidden": "true" }, line, area);
  node.show = (shape, tone) => {
    if (node.dataset.sign !== shape) {
      node.dataset.sign = shape;
      const [stroke, fill] = SHAPES[shape] ?? SHAPES["○"];
      line.setAttribute("d", stroke);
      area.setAttribute("d", fill);
    }
    put(node, "class", `sign ${tone}`);
  };
  return node;
}
