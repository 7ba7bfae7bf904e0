// A dialog that stays open until what was asked for has been done.

import { Dialog } from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';

export interface Asking {
  title: string;
  body: Widget;
  // The buttons that do something, the usual one last; what they are called is what `does` is told.
  does: string[];
  // What the button that only closes is called.
  leave?: string;
  focus?: string;
}

// A button that does something closes the dialog only when `does` says that it is done.
export class AskingDialog extends Dialog<void> {
  constructor(
    asking: Asking,
    private readonly doing: (button: string) => Promise<boolean>
  ) {
    const buttons = [
      Dialog.cancelButton({ label: asking.leave ?? 'Cancel' }),
      ...asking.does.map((label, at) =>
        Dialog.okButton({ label, className: at < asking.does.length - 1 ? 'nbs-second' : '' })
      )
    ];
    super({ title: asking.title, body: asking.body, buttons, focusNodeSelector: asking.focus });
    this.asked = buttons;
    this.addClass('nbs-dialog');
    this.node.setAttribute('aria-label', asking.title);
  }

  override resolve(index?: number): void {
    const button = this.asked[index ?? this.asked.length - 1];
    if (!button.accept) super.resolve(index);
    else if (!this.busy) void this.perform(button.label).then(done => done && !this.isDisposed && super.resolve(index));
  }

  // Enter belongs to texts of several lines and to buttons of the form.
  protected override _evtKeydown(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const own = target.closest('.jp-Dialog-body') && target.matches('textarea, button, summary, [role="gridcell"]');
    if (!(event.key === 'Enter' && own)) super._evtKeydown(event);
  }

  // Whether there is something to do.
  allow(does: boolean): void {
    for (const button of this.node.querySelectorAll<HTMLButtonElement>('.jp-Dialog-footer .jp-mod-accept')) button.disabled = !does;
  }

  private async perform(button: string): Promise<boolean> {
    this.wait(true);
    try {
      return await this.doing(button);
    } finally {
      this.wait(false);
    }
  }

  private wait(busy: boolean): void {
    this.busy = busy;
    this.node.setAttribute('aria-busy', String(busy));
  }

  private readonly asked: ReadonlyArray<Dialog.IButton>;
  private busy = false;
}
