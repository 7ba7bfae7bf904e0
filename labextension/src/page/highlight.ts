// Source in the colours of the editor.

import { jupyterHighlightStyle } from '@jupyterlab/codemirror';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';

let styled = false;

// `node` shows the source; without a registry, or until the language is there, as it is.
export async function highlight(languages: IEditorLanguageRegistry | null, source: string, node: HTMLElement): Promise<void> {
  node.textContent = source;
  const language = languages?.findByMIME('text/x-ipython') ?? languages?.findByName('python');
  if (!languages || !language) return;
  style();
  const coloured = document.createElement('span');
  await languages.highlight(source, language, coloured);
  if (node.textContent === source) node.replaceChildren(coloured);
}

// The rules of the editor's colours, which are there otherwise only once an editor is.
function style(): void {
  if (styled) return;
  styled = true;
  const rules = document.createElement('style');
  rules.textContent = jupyterHighlightStyle.module?.getRules() ?? '';
  document.head.append(rules);
}
