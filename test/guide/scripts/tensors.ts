import { noGrad, randn, tensor } from 'stmnet';

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]); // f32[2, 3]; nested arrays, typed arrays with a shape, numbers
const w = randn([3, 4], { requiresGrad: true });
const y = x.matmul(w).add(0.5).tanh(); // broadcasting as in NumPy
const loss = y.pow(2).mean();
loss.backward();
console.log(await w.grad!.array()); // nested arrays; data() gives a Float32Array, item() a number
console.log(y); // Tensor f32[2, 4] on cpu, requires grad (util.inspect; values need await)
y.slice([0, 1], [null, 2]);
y.transpose(0, 1);
y.reshape([-1]); // views, no copy
noGrad(() => w.sub_(w.grad!.mul(0.1))); // in-place ops end in _
const stop = y.detach();

// ---- what the test looks at
export { loss, stop, w, x };
