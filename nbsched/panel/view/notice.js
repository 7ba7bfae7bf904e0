// One line that says what was refused, or how something ended.

import { button, make, say } from "./elements.js";

export class Notice {
  constructor() {
    this.node = make("div", "notice");
    this.text = make("span");
    this.node.hidden = true;
    this.node.setAttribute("role", "status");
    this.node.append(this.text, button("Dismiss", () => { this.node.hidden = true; }));
  }

  tell(text) {
    say(this.text, text);
    this.node.hidden = false;
  }
}
