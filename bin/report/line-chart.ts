/** A line of a chart: x is in the units of its axis, y from 0 to 1. */
export interface ChartLine {
  readonly label: string
  readonly stroke: Stroke
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Stroke {
  readonly colour: string
  /** The SVG attribute `stroke-dasharray`; empty for a solid line. */
  readonly dash: string
}

export interface Chart {
  readonly title: string
  readonly xLabel: string
  readonly lines: readonly ChartLine[]
  /** The marks of the x axis, with their texts. */
  readonly xMarks: readonly (readonly [x: number, text: string])[]
  /** Draws a dot at each point: for lines of few points. */
  readonly withDots: boolean
}

const WIDTH = 520
const HEIGHT = 260
const LEFT = 46
const RIGHT = 22
const BOTTOM = 40
const TOP = 10
/** The y axis begins at one of these: from 0, ratios near 1 would all lie along the upper edge. */
const LOWEST = [0.9, 0.75, 0.5, 0.25, 0] as const
const GRID_LINES = 5

/** Draws hit ratios as one SVG element, below its title. */
export function lineChart({ title, xLabel, lines, xMarks, withDots }: Chart): string {
  const points = lines.flatMap((line) => line.points)
  const xs = [...points, ...xMarks].map(([at]) => at)
  const [low, high] = [Math.min(...xs), Math.max(...xs)]
  const least = Math.min(1, ...points.map(([, value]) => value))
  const bottom = LOWEST.find((value) => value <= least) ?? 0
  const drawing: Drawing = {
    withDots,
    x: (value) => (LEFT + (high === low ? 0.5 : (value - low) / (high - low)) * (WIDTH - LEFT - RIGHT)).toFixed(1),
    y: (value) => (TOP + ((1 - value) / (1 - bottom)) * (HEIGHT - TOP - BOTTOM)).toFixed(1),
  }
  const gridAt = Array.from({ length: GRID_LINES + 1 }, (_, at) => bottom + ((1 - bottom) * at) / GRID_LINES)
  return `<figure><figcaption>${escaped(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
${gridAt.map((value) => grid(drawing.y(value), value)).join('\n')}
${xMarks.map(([value, text]) => mark(drawing.x(value), text)).join('\n')}
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">${escaped(xLabel)}</text>
${lines.map((line) => drawnLine(line, drawing)).join('\n')}
</svg></figure>`
}

/** Names the lines once, for charts that share them. */
export function legend(lines: readonly Pick<ChartLine, 'label' | 'stroke'>[]): string {
  const items = lines.map(
    ({ label, stroke }) =>
      `<li><svg aria-hidden="true" width="28" height="10"><line x1="0" x2="28" y1="5" y2="5" ${strokeOf(stroke)}/></svg> ${escaped(label)}</li>`,
  )
  return `<ul class="legend">${items.join('')}</ul>`
}

interface Drawing {
  x(value: number): string
  y(value: number): string
  readonly withDots: boolean
}

function drawnLine({ label, stroke, points }: ChartLine, { x, y, withDots }: Drawing): string {
  const dots = points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${stroke.colour}"/>`)
  const joined = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ')
  return `<g><title>${escaped(label)}</title><polyline points="${joined}" ${strokeOf(stroke)}/>${withDots ? dots.join('') : ''}</g>`
}

function grid(y: string, value: number): string {
  const label = `<text x="${LEFT - 6}" y="${y}" text-anchor="end" dominant-baseline="middle">${Number(value.toFixed(2))}</text>`
  return `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>${label}`
}

function mark(x: string, text: string): string {
  return `<text x="${x}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${escaped(text)}</text>`
}

function strokeOf({ colour, dash }: Stroke): string {
  return `fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round" stroke-dasharray="${dash}"`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
