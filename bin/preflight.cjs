// Runs before everything else, under any Node: so it is CommonJS and plain.
'use strict'

var NEEDED = [22, 15]
var version = process.versions.node.split('.').map(Number)

function refuse(sentence) {
  process.stderr.write(`error: ${sentence}\n`)
  process.exit(1)
}

function isInstalled() {
  try {
    require.resolve('commander')
    return true
  } catch (_) {
    return false
  }
}

var inCheckout = __filename.indexOf('node_modules') < 0
if (inCheckout && !isInstalled()) refuse('the packages are missing: run npm ci first')
if (version[0] < NEEDED[0] || (version[0] === NEEDED[0] && version[1] < NEEDED[1]))
  refuse(
    'Forewarm needs Node ' +
      NEEDED.join('.') +
      ' or newer, and this is ' +
      process.versions.node +
      (inCheckout ? ': npm ci fetches one for Linux, and npm run takes it' : ': install a newer one'),
  )

// Node 22 and 23 warn that they run TypeScript.
var show = process.listeners('warning')
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name === 'ExperimentalWarning') return
  for (const listener of show) listener.call(process, warning)
})
