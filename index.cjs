// Jest's require takes no ES module, and its process leads to that require only. Outside its sandbox is Node's own, which
// gives the same module as import.
const { runInThisContext } = require('node:vm')

module.exports = runInThisContext('process').getBuiltinModule('module').createRequire(__filename)('./index.js')
