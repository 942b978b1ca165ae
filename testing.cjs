// As in index.cjs.
const { runInThisContext } = require('node:vm')

module.exports = runInThisContext('process').getBuiltinModule('module').createRequire(__filename)('./testing.js')
