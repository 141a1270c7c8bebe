import { css } from 'lit'

/** What overviews that go step by step below the cluster look like: a bar with a heading, what is about it, a line of steps, and things to unfold. */
export const overviewStyles = css`
  :host { display: flex; min-height: 0; border-top: 1px solid var(--line-strong); background: var(--raised); }
  .all { flex: 1; min-width: 0; display: flex; flex-direction: column; }
  .bar { flex: none; display: flex; align-items: center; min-height: 38px; padding: 0 8px 0 16px; border-bottom: 1px solid var(--line); }
  h2 { flex: 1; margin: 0; font-size: var(--small); font-weight: 650; white-space: nowrap; }
  h2:focus { outline: none; }
  .content { flex: 1; min-height: 0; overflow: auto; padding: 10px 16px; overscroll-behavior: contain; }
  .content:focus-visible { outline-offset: -2px; }
  p { margin: 0 0 8px; font-size: var(--small); }
  .about, .none { color: var(--ink-soft); }
  .none { font-style: italic; }
  .problem { color: var(--bad); overflow-wrap: anywhere; }
  ol, ul { margin: 0; padding: 0; list-style: none; }
  .steps { font-size: var(--small); }
  .steps > li { position: relative; padding: 2px 0 8px 16px; border-inline-start: 2px solid var(--line-strong); }
  .steps > li::before { content: ''; position: absolute; inset-inline-start: -5px; top: 8px; width: 8px; height: 8px; border-radius: 50%; background: var(--good); }
  summary { cursor: pointer; list-style: none; }
  summary::-webkit-details-marker { display: none; }
  summary::before { content: '▸'; flex: none; color: var(--ink-soft); }
  details[open] > summary::before { content: '▾'; }
`
