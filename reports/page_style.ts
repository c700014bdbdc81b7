/** The look of the report page: one column of text, tables with three rules, dark mode, print, phones. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1b1b;--soft:#595959;--rule:#d9d9d9;--panel:#f6f6f4;--shade:#0000002e;--link:#0b5394}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181b;--ink:#ececec;--soft:#b4b4b4;--rule:#3a4046;--panel:#1e2226;--shade:#ffffff3d;--link:#8ab8ff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;overflow-wrap:break-word;background:var(--paper);color:var(--ink);font:17px/1.55 Charter,"Bitstream Charter","Sitka Text",Cambria,Georgia,"DejaVu Serif",serif}
.page{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 5rem}
p,ul,ol,dl,blockquote,h1,h2,h3{max-width:44rem}
h1{font-size:1.9rem;line-height:1.2;font-weight:600;margin:0 0 1.25rem}
h2{font-size:1.3rem;font-weight:600;margin:3.5rem 0 1rem;padding-top:.75rem;border-top:1px solid var(--rule);max-width:none}
h3{font-size:1.05rem;font-weight:600;margin:2rem 0 .5rem}
p{margin:.6rem 0}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,button:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.label{color:var(--soft);font-size:.9rem;margin:1.4rem 0 .2rem}
blockquote{margin:0;font-style:italic}
.answer{margin:0;font-size:1.1rem}
.answer strong{font-weight:600}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;margin:1.5rem 0 0;max-width:none;font-size:.95rem}
figure{margin:1.5rem 0 2rem}
figcaption,.note{color:var(--soft);font-size:.9rem;line-height:1.45}
figcaption p{margin:.35rem 0}
.scroll{position:relative;overflow-x:auto;overflow-y:hidden;background:linear-gradient(to right,var(--paper) 30%,transparent) local,linear-gradient(to left,var(--paper) 30%,transparent) right local,linear-gradient(to right,var(--shade),transparent),linear-gradient(to left,var(--shade),transparent) right;background-size:2.5rem 100%,2.5rem 100%,.8rem 100%,.8rem 100%;background-repeat:no-repeat}
.drawing svg{display:block;min-width:34rem;max-width:100%;height:auto}
table{border-collapse:collapse;font-size:.92rem;line-height:1.35;font-variant-numeric:tabular-nums lining-nums}
.booktabs{border-top:2px solid var(--ink);border-bottom:2px solid var(--ink)}
.caption{font-weight:600;margin:0 0 .5rem}
th,td{padding:.28rem .55rem;vertical-align:top;text-align:left}
th:first-child,td:first-child{padding-left:.2rem}
th:last-child,td:last-child{padding-right:.2rem}
thead th{font-weight:600;vertical-align:bottom}
thead tr:last-child>*{border-bottom:1px solid var(--ink);padding-bottom:.4rem}
thead tr:first-child>*{padding-top:.45rem}
tbody tr:first-child>*{padding-top:.45rem}
tbody tr:last-child>*{padding-bottom:.45rem}
tbody th{font-weight:400;white-space:nowrap}
tbody th.long{white-space:normal;min-width:9rem;max-width:22rem;overflow-wrap:break-word}
td.long{min-width:11rem}
sup{line-height:0}
.groups th{text-align:center;padding-bottom:0}
.groups th span{display:block;border-bottom:1px solid var(--soft);padding-bottom:.2rem}
.right{text-align:right}
td.right,tbody th.right{white-space:nowrap}
th small{display:block;font-weight:400;color:var(--soft);font-size:.82rem}
.half,.none,.better{color:var(--soft)}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
th[aria-sort] button{text-decoration:underline;text-underline-offset:.2em}
.tool{font:inherit;font-size:.9rem;color:var(--ink);background:var(--paper);border:1px solid var(--soft);border-radius:3px;padding:.25rem .7rem;cursor:pointer}
.averages .ballast-figure [stroke-width="0.9"],.averages .ballast-figure [stroke-width="1"][opacity="0.7"]{display:none}
pre,code,.reply{font-family:ui-monospace,"SF Mono","Cascadia Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.86rem}
pre{background:var(--panel);padding:.8rem 1rem;overflow-x:auto;line-height:1.45;max-width:none}
.reply,.prompt{white-space:pre-wrap;overflow-wrap:anywhere}
.prompt{background:var(--panel);padding:.5rem .8rem;margin:.4rem 0}
.replies{width:100%}
.replies .reply{width:100%}
.digest{font-family:ui-monospace,"SF Mono","DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:.8rem;overflow-wrap:anywhere}
td.digest{min-width:16.5rem}
details{margin:1rem 0}
summary{cursor:pointer}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:.5rem 0}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;overflow-wrap:anywhere}
button.cell{max-width:100%;overflow-wrap:inherit;font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;text-align:inherit;white-space:inherit;cursor:pointer}
button.cell:hover{text-decoration:underline;text-decoration-color:var(--soft);text-underline-offset:.2em}
.warned{border-left:4px solid var(--ink);padding-left:.7rem}
.differences{margin:.4rem 0;padding-left:1.2rem}
.controls{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:end}
.controls label{font-size:.9rem;color:var(--soft);display:flex;flex-direction:column;gap:.15rem;max-width:100%}
.controls label[hidden]{display:none}
.controls :is(select,input){box-sizing:border-box;height:2.1rem}
select,input{font:inherit;font-size:.95rem;color:var(--ink);background:var(--paper);border:1px solid var(--soft);border-radius:3px;padding:.25rem .4rem;max-width:100%}
select:focus-visible,input:focus-visible{outline:3px solid var(--link);outline-offset:2px}
button:disabled{color:var(--soft);border-color:var(--rule);cursor:default}
.row{margin:0;border-bottom:1px solid var(--rule)}
.row summary{padding:.45rem .2rem;overflow-wrap:anywhere}
.chip{display:inline-block;max-width:100%;font-size:.8rem;color:var(--soft);border:1px solid var(--rule);border-radius:3px;padding:0 .4rem;margin-left:.5rem}
.sides{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1.5rem}
.sides p.reply{margin:.2rem 0}
.verdicts{margin:.8rem 0}
.verdicts td,.verdicts th{overflow-wrap:anywhere}
.pager{display:flex;gap:.8rem;margin:1rem 0}
.gantt{display:block;min-width:40rem;max-width:100%;height:auto;font-size:11px}
.gantt text{fill:var(--ink)}.gantt .ticks text{fill:var(--soft)}
.gantt line{stroke:var(--rule)}.gantt rect{fill:var(--link)}
dialog{color:var(--ink);background:var(--paper);border:1px solid var(--soft);border-radius:4px;width:min(52rem,94vw);max-height:88vh;padding:1rem 1.5rem 1.5rem}
dialog::backdrop{background:rgb(0 0 0/.45)}
dialog h2{border:0;margin:0 0 .6rem;padding:0 5rem 0 0;overflow-wrap:anywhere}
dialog h3{margin:1.2rem 0 .1rem}
dialog details{margin:.2rem 0}
dialog summary{overflow-wrap:anywhere}
dialog dd{white-space:pre-wrap;font-size:.86rem}
.close{float:right}
.chain{padding-left:1.2rem}
.chain p{margin:0 0 .2rem}
@media (max-width:40rem){.sides{grid-template-columns:minmax(0,1fr);gap:.5rem}dialog{padding:.8rem 1rem}.booktabs tr>:first-child{position:sticky;left:0;max-width:45vw;overflow-wrap:break-word;background:var(--paper)}tbody th{white-space:normal}tbody th.long{min-width:0}body{font-size:16px}.page{padding:1.25rem 1rem 3rem}h1{font-size:1.5rem}.replies th:first-child{white-space:normal;width:28%}th,td{padding-left:.45rem;padding-right:.45rem}dl.facts{grid-template-columns:minmax(0,1fr)}dl.facts dd{margin-bottom:.4rem}}
@media print{body{font-size:10pt}.page{max-width:none;padding:0}nav,.tool,.skip{display:none}h2{break-after:avoid}figure,tr{break-inside:avoid}.scroll{overflow:visible;background:none}th,td{font-size:8pt;padding-left:.25rem;padding-right:.25rem}tbody th.long{min-width:0;max-width:10rem}td.long,td.digest{min-width:0}.drawing svg,.gantt{min-width:0}a{color:inherit;text-decoration:none}pre{white-space:pre-wrap}}
`.trim();
