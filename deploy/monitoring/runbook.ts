import type { Alert } from './alerts/alert.ts'

/** The page of an alert: what it means, how to see it, what to do. */
export function runbookPage({ name, severity, layer, expression, for: pending, means, see, todo }: Alert): string {
  return `# ${name}

| severity | layer | fires when it has held for |
|---|---|---|
| ${severity} | ${layer} | ${pending} |

## What it means

${means}

## How to see it

${see}

\`\`\`
${expression}
\`\`\`

## What to do

${todo.map((step, at) => `${at + 1}. ${step}`).join('\n')}
`
}
