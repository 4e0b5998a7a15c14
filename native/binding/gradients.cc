#include "binding/gradients.h"

#include "core/graph.h"

namespace stm::binding {
namespace {

/// A JavaScript function held by a graph node. Nodes live and die on the JS thread.
class Callback {
 public:
  Callback(napi_env env, napi_value function) : env_(env) { ok(napi_create_reference(env, function, 1, &reference_)); }
  ~Callback() { napi_delete_reference(env_, reference_); }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  napi_value call(napi_value argument) const {
    napi_value function, receiver, result;
    ok(napi_get_reference_value(env_, reference_, &function));
    ok(napi_get_undefined(env_, &receiver));
    ok(napi_call_function(env_, receiver, function, 1, &argument, &result));
    return result;
  }

 private:
  napi_env env_;
  napi_ref reference_ = nullptr;
};

/// Elements that are undefined become empty tensors.
std::vector<Tensor> tensors_of(Environment& environment, napi_value array) {
  uint32_t length = 0;
  std::vector<Tensor> result;
  STM_CHECK(
      napi_get_array_length(environment.env, array, &length) == napi_ok, Kind::Option,
      "backward: got something else from a user-defined function, expected an array of gradients.\n  Fix: return one Tensor or undefined for each input.");
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    napi_valuetype type;
    ok(napi_get_element(environment.env, array, i, &element));
    ok(napi_typeof(environment.env, element, &type));
    double id = -1;
    if (type == napi_number) ok(napi_get_value_double(environment.env, element, &id));
    result.push_back(type == napi_undefined ? Tensor() : environment.handles.get(id));
  }
  return result;
}

napi_value ids_of(Environment& environment, const std::vector<Tensor>& tensors) {
  const napi_env env = environment.env;
  napi_value array, element;
  ok(napi_create_array_with_length(env, tensors.size(), &array));
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i]) ok(napi_create_double(env, environment.handles.put(tensors[i]), &element));
    else ok(napi_get_undefined(env, &element));
    ok(napi_set_element(env, array, static_cast<uint32_t>(i), element));
  }
  return array;
}

std::vector<Tensor> call_backward(Environment& environment, const Callback& callback, const std::vector<Tensor>& grads, const std::vector<Shape>& shapes) {
  const HandleScope scope(environment.env);
  const std::vector<Tensor> result = tensors_of(environment, callback.call(ids_of(environment, grads)));
  STM_CHECK(result.size() == shapes.size(), Kind::Shape,
            "backward: got {} gradients from a user-defined function, expected {}, one for each input.\n  Fix: return undefined where none is needed.",
            result.size(), shapes.size());
  for (size_t i = 0; i < result.size(); ++i)
    STM_CHECK(!result[i] || result[i].shape() == shapes[i], Kind::Shape,
              "backward: got gradient {} from a user-defined function, expected shape {} of input {}.\n  Fix: return a gradient of the input's shape.",
              result[i], shapes[i], i);
  std::vector<Tensor> plain;
  for (const Tensor& grad : result) plain.push_back(grad ? detached(grad) : Tensor());
  return plain;
}

}  // namespace

void define_gradient(Environment& environment, napi_value outputs, napi_value inputs, napi_value backward) {
  const std::vector<Tensor> input_tensors = tensors_of(environment, inputs);
  std::vector<Shape> shapes;
  for (const Tensor& x : input_tensors) shapes.push_back(x.shape());
  auto callback = std::make_shared<Callback>(environment.env, backward);
  on_backward(
      "defineFunction", tensors_of(environment, outputs), input_tensors, {},
      [&environment, callback, shapes](const std::vector<Tensor>& grads, const SavedTensors&) { return call_backward(environment, *callback, grads, shapes); });
}

}  // namespace stm::binding
