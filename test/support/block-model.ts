import { BufferTensor, Linear, Module, ones, Parameter, zeros, type Tensor } from 'stmnet';

export class Block extends Module {
  linear = new Linear({ inFeatures: 3, outFeatures: 3 });
  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

export class Model extends Module {
  scale = new Parameter(ones([3]));
  blocks = [new Block(), new Block()];
  heads = { first: new Linear({ inFeatures: 3, outFeatures: 2 }), offset: new Parameter(zeros([2])) };
  counts = new BufferTensor(zeros([1]));
  note = 'no parameter';
  plain = ones([2]);
  forward(x: Tensor): Tensor {
    const [a, b] = this.blocks;
    return this.heads.first.forward(b?.forward(a?.forward(x.mul(this.scale)) ?? x) ?? x).add(this.heads.offset);
  }
}
