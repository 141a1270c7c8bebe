import { css } from 'lit'

/** What every component's shadow root begins with: controls, focus rings, type. */
export const sharedStyles = css`
  :host { box-sizing: border-box; }
  *, *::before, *::after { box-sizing: inherit; }
  /* Between a details element and what is in it stand boxes of the browser, which pass nothing on. */
  details > * { box-sizing: border-box; }
  :host([hidden]), [hidden] { display: none !important; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
  button, select, input { font: inherit; color: inherit; }
  button { cursor: pointer; }
  button:disabled { cursor: default; opacity: 0.55; }
  .button {
    display: inline-flex; align-items: center; gap: 7px; min-height: 32px; padding: 4px 12px; border: 1px solid var(--line-strong); border-radius: var(--radius);
    background: var(--raised); font-size: var(--small); font-weight: 550; line-height: 1.3; text-align: start;
  }
  .button:hover:not(:disabled) { border-color: var(--ink-soft); }
  .button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
  .button.primary:hover { filter: brightness(1.08); }
  .button.danger { background: var(--bad); border-color: var(--bad); color: var(--paper); }
  .icon-button {
    display: inline-grid; place-items: center; min-width: 30px; height: 30px; padding: 0 6px; border: 1px solid transparent; border-radius: var(--radius);
    background: none; color: inherit;
  }
  .icon-button:hover:not(:disabled) { background: color-mix(in srgb, currentColor 10%, transparent); }
  .icon-button svg, .button svg { width: 16px; height: 16px; flex: none; }
  @media (min-width: 2400px) { .icon-button svg, .button svg { width: 18px; height: 18px; } .icon-button { height: 34px; min-width: 34px; } }
  @media (min-width: 3200px) { .icon-button svg, .button svg { width: 22px; height: 22px; } .icon-button { height: 40px; min-width: 40px; } }
  .stencil { font-size: var(--tiny); font-weight: 650; letter-spacing: 0.08em; text-transform: uppercase; color: var(--ink-soft); }
  code, pre, .mono { font-family: var(--mono); font-size: 0.92em; }
  .quiet { color: var(--ink-soft); }
  .visually-hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  ::selection { background: color-mix(in srgb, var(--accent) 30%, transparent); }
  /* Where the system chooses the colours, borders have to say what grounds say otherwise. */
  @media (forced-colors: active) {
    .button.primary, .button.danger { border-width: 2px; font-weight: 700; }
    .icon-button { border-color: transparent; forced-color-adjust: none; background: Canvas; color: ButtonText; }
    .icon-button:is(:hover, :focus-visible) { border-color: Highlight; }
    .button:disabled, .icon-button:disabled { color: GrayText; border-color: GrayText; }
    .mark { forced-color-adjust: preserve-parent-color; }
  }
  @media (pointer: coarse) {
    .button { min-height: 40px; }
    .icon-button { min-width: 40px; height: 40px; }
  }
  /* A transition of no length would still be one: what is measured right after a change, as the terminal's letters are, would measure what was before. */
  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after { animation-duration: 0.01ms !important; animation-iteration-count: 1 !important; transition: none !important; }
  }
`
