// The sign of nbsched: a clock whose hands are two steps of a pipeline.

import { LabIcon } from '@jupyterlab/ui-components';

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round">
    <path d="M20.4 9.1A9 9 0 1 0 21 12"/><path d="M12 6.8V12l3.4 2.4"/>
  </g>
  <g class="jp-icon3 jp-icon-selectable" fill="#616161"><circle cx="12" cy="6.4" r="1.7"/><circle cx="16" cy="14.8" r="1.7"/></g>
</svg>`;

export const icon = new LabIcon({ name: 'nbsched:icon', svgstr: SVG });
