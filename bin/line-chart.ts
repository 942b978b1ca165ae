/** A line of a chart; x and y in the units of the axes. */
export interface ChartLine {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Chart {
  readonly title: string
  readonly xLabel: string
  readonly lines: readonly ChartLine[]
  /** Where the x axis has marks, and what they say. */
  readonly xMarks: readonly (readonly [x: number, text: string])[]
  /** Marks points as well as joining them: for few of them. */
  readonly withDots: boolean
}

const WIDTH = 720
const HEIGHT = 300
const LEFT = 46
const BOTTOM = 36
const TOP = 10
/** Told apart also by those who don't see red and green (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8c8c8c', '#b8a200']
const DASHES = ['', '6 3', '2 3']

/** Hit ratios, 0 to 1, as one SVG element with its legend below. */
export function lineChart(chart: Chart): string {
  const { title, xLabel, lines, xMarks, withDots } = chart
  const xs = [...lines.flatMap(({ points }) => points), ...xMarks].map(([at]) => at)
  const [low, high] = [Math.min(...xs), Math.max(...xs)]
  const x = (value: number): string =>
    (LEFT + (high === low ? 0.5 : (value - low) / (high - low)) * (WIDTH - LEFT - 20)).toFixed(1)
  const y = (value: number): string => (TOP + (1 - value) * (HEIGHT - TOP - BOTTOM)).toFixed(1)
  const drawn = lines.map((line, index) => drawnLine(line, { index, x, y, withDots }))
  return `<figure><figcaption>${escaped(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
${[0, 0.25, 0.5, 0.75, 1].map((value) => grid(y(value), value)).join('\n')}
${xMarks.map(([value, text]) => mark(x(value), text)).join('\n')}
<text x="${WIDTH - 20}" y="${HEIGHT - 4}" text-anchor="end">${escaped(xLabel)}</text>
${drawn.join('\n')}
</svg>
<ul class="legend">${lines.map(({ label }, index) => legend(label, index)).join('')}</ul></figure>`
}

interface Drawing {
  readonly index: number
  x(value: number): string
  y(value: number): string
  readonly withDots: boolean
}

function drawnLine({ label, points }: ChartLine, { index, x, y, withDots }: Drawing): string {
  const dots = points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colourOf(index)}"/>`)
  const joined = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ')
  return `<g><title>${escaped(label)}</title><polyline points="${joined}" ${strokeOf(index)}/>${withDots ? dots.join('') : ''}</g>`
}

function grid(y: string, value: number): string {
  const label = `<text x="${LEFT - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${value}</text>`
  return `<line class="grid" x1="${LEFT}" x2="${WIDTH - 20}" y1="${y}" y2="${y}"/>${label}`
}

function mark(x: string, text: string): string {
  return `<text x="${x}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${escaped(text)}</text>`
}

function legend(label: string, index: number): string {
  return `<li><svg width="28" height="10"><line x1="0" x2="28" y1="5" y2="5" ${strokeOf(index)}/></svg> ${escaped(label)}</li>`
}

function strokeOf(index: number): string {
  const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length]
  return `fill="none" stroke="${colourOf(index)}" stroke-width="2" stroke-dasharray="${dash}"`
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? 'currentColor'
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
