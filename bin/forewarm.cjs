#!/usr/bin/env node
// What npm links as `forewarm`. An old Node fails over the imports of forewarm.js before it runs any of it.
require('./preflight.cjs')

import('./forewarm.js')
