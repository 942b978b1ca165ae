export { mulberry32 } from '../../src/simulate/mulberry32.ts'
