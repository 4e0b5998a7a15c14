// Before each file of vitest.gpu.config.mts: what says nothing of devices runs on the one under test too, with products
// in f32 throughout.
import { setDefaultDevice, setMathMode } from 'stmnet';
import { here } from '../support/devices';

setDefaultDevice(here);
setMathMode('fma');
