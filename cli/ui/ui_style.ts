/** What the local pages need beside the report's style: progress, states, small charts, differences. */
export const UI_STYLE = `
:root{--good:#00664a;--bad:#a8321c;--busy:#0b5394;--bar:#d9d9d9;--c0:#0072b2;--c1:#b84a00;--c2:#00805d;--c3:#a8528a;--c4:#946400;--c5:#2f7fab;--c6:#8a8a00;--c7:#5e5e5e}
@media screen and (prefers-color-scheme:dark){:root{--good:#4fd1a5;--bad:#ff8f75;--busy:#8ab8ff;--bar:#3a4046;--c0:#4ba3e3;--c1:#ff8a3d;--c2:#2cc295;--c3:#e3a3c6;--c4:#f5be4b;--c5:#9ad4f7;--c6:#e0dc66;--c7:#b4b4b4}}
main{overflow-wrap:anywhere}
th,td,.state{overflow-wrap:normal}
.back{margin:0 0 1rem;font-size:.95rem}
h2{margin-top:2.5rem}
.wide{max-width:none}
.state{white-space:nowrap}
.ran,.done{color:var(--good)}
.failed,.killed,.error{color:var(--bad)}
.running,.interrupted{color:var(--busy)}
.waiting,.cached,.skipped{color:var(--soft)}
progress{appearance:none;border:0;width:100%;height:.55rem;display:block;background:var(--bar);border-radius:3px;overflow:hidden}
progress::-webkit-progress-bar{background:var(--bar)}
progress::-webkit-progress-value{background:var(--busy)}
progress::-moz-progress-bar{background:var(--busy)}
.whole{max-width:44rem;margin:.8rem 0}
.now{list-style:none;padding:0;max-width:44rem;margin:.5rem 0}
.now li{margin:.9rem 0}
.now progress{margin:.25rem 0}
.now .name,.log .name,td.name,th.name{overflow-wrap:anywhere;white-space:normal}
td.name{min-width:8.5rem}
.small{font-size:.9rem;color:var(--soft)}
.error{white-space:pre-wrap;overflow-wrap:anywhere;max-height:24rem;overflow-y:auto}
.log{list-style:none;padding:0;margin:.5rem 0;max-width:none;max-height:24rem;overflow-y:auto;font-size:.9rem}
.log li{padding:.25rem 0;border-top:1px solid var(--rule);overflow-wrap:anywhere;white-space:pre-wrap}
.warning{color:var(--bad)}
.choice{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.5rem 0 1rem;max-width:none;font-size:.95rem}
.choice [aria-current]{color:var(--ink);font-weight:600;text-decoration:none}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(17rem,100%),1fr));gap:1.2rem 1.5rem}
.chart{margin:0;min-width:0}
.chart h3{margin:0 0 .3rem;overflow-wrap:anywhere;font-size:1rem}
.chart>svg{display:block;width:100%;height:auto;overflow:visible}
.chart text{font:11px ui-sans-serif,system-ui,sans-serif;fill:var(--soft)}
.chart .axis{stroke:var(--rule);fill:none}
.chart .line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.chart figcaption{display:flex;flex-wrap:wrap;gap:0 .9rem;margin-top:.2rem}
.chart figcaption span{overflow-wrap:anywhere}
.swatch{display:inline-block;width:1.1rem;height:.5rem;vertical-align:.12em;margin-right:.35rem}
.line-0{stroke:var(--c0)}.line-1{stroke:var(--c1)}.line-2{stroke:var(--c2)}.line-3{stroke:var(--c3)}.line-4{stroke:var(--c4)}.line-5{stroke:var(--c5)}.line-6{stroke:var(--c6)}.line-7{stroke:var(--c7)}
.line-1{stroke-dasharray:6 2}.line-2{stroke-dasharray:2 2}.line-3{stroke-dasharray:8 2 2 2}.line-5{stroke-dasharray:6 2}.line-6{stroke-dasharray:2 2}.line-7{stroke-dasharray:8 2 2 2}
select,input{font:inherit;font-size:.95rem;color:var(--ink);background:var(--paper);border:1px solid var(--soft);border-radius:3px;padding:.25rem .5rem;height:2.1rem;max-width:100%}
select:focus-visible,input:focus-visible{outline:3px solid var(--link);outline-offset:2px}
form{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:end;margin:.8rem 0}
form>*{min-width:0;max-width:100%}
label{display:block;font-size:.9rem;color:var(--soft)}
.beside{table-layout:fixed;width:100%}
.beside th:first-child{width:28%}
.beside td,.beside th{overflow-wrap:anywhere;white-space:normal}
.beside .value{font-family:ui-monospace,"SF Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.84rem;white-space:pre-wrap}
.beside .differs td{font-weight:600}
.lost{position:fixed;left:0;right:0;bottom:0;margin:0;padding:.6rem 1rem;max-width:none;background:var(--panel);color:var(--ink);border-top:1px solid var(--soft)}
@media (max-width:40rem){.beside tr{display:grid;grid-template-columns:1fr 1fr}.beside tr>:first-child{position:static;width:auto}.beside th[scope=row]{grid-column:1/-1;padding-bottom:0;color:var(--soft)}.beside thead td{display:none}}
`.trim();
