#include "binding/gradients.h"

#include <algorithm>

#include "core/history.h"
#include "ops/ops.h"

namespace stm::binding {
namespace {

/// A JavaScript function held by a node of a history. Nodes live and die on the JS thread.
class Callback {
 public:
  Callback(napi_env env, napi_value function) : env_(env) { ok(napi_create_reference(env, function, 1, &reference_)); }
  ~Callback() { napi_delete_reference(env_, reference_); }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  napi_value call(napi_value grads, napi_value saved) const {
    const napi_value arguments[] = {grads, saved};
    napi_value function, receiver, result;
    ok(napi_get_reference_value(env_, reference_, &function));
    ok(napi_get_undefined(env_, &receiver));
    ok(napi_call_function(env_, receiver, function, 2, arguments, &result));
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
  STM_CHECK(napi_get_array_length(environment.env, array, &length) == napi_ok, Kind::Option, "backward",
            "something else from a user-defined function", "an array of gradients",
            "return one Tensor or undefined for each input");
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

/// What a gradient must look like to be one.
struct Form {
  Shape shape;
  DType dtype;
  Device* device;
};

std::vector<Tensor> call_backward(Environment& environment, const Callback& callback, const std::vector<Tensor>& grads,
                                  const SavedTensors& saved, const std::vector<Form>& inputs) {
  const HandleScope scope(environment.env);
  const Session::NoGrad no_grad;  // whatever the function switches on
  // A copy, because the same gradient may be on its way to other inputs, and the function may change in place what it
  // is given.
  std::vector<Tensor> own;
  for (const Tensor& grad : grads) own.push_back(grad ? ops::clone(grad) : Tensor());
  const std::vector<Tensor> result =
      tensors_of(environment, callback.call(ids_of(environment, own), ids_of(environment, saved)));
  STM_CHECK(result.size() == inputs.size(), Kind::Shape, "backward",
            fmt::format("{} gradients from a user-defined function", result.size()),
            fmt::format("{}, one for each input", inputs.size()), "return undefined where none is needed");
  for (size_t i = 0; i < result.size(); ++i) {
    STM_CHECK(!result[i] || (result[i].shape() == inputs[i].shape && result[i].dtype() == inputs[i].dtype), Kind::Shape,
              "backward", fmt::format("gradient {} from a user-defined function", result[i]),
              fmt::format("{}{} as input {} is", inputs[i].dtype, inputs[i].shape, i),
              "return a gradient of the input's shape and dtype");
    STM_CHECK(!result[i] || &result[i].device() == inputs[i].device, Kind::Device, "backward",
              fmt::format("gradient {} from a user-defined function", result[i]),
              fmt::format("one on {} as input {} is", inputs[i].device->name, i),
              fmt::format("move it with to('{}')", inputs[i].device->name));
  }
  std::vector<Tensor> plain;
  for (const Tensor& grad : result)
    plain.push_back(grad ? ops::clone(detached(grad))
                         : Tensor());  // the function may keep, or return twice, what it returns
  return plain;
}

}  // namespace

void define_gradient(Environment& environment, const napi_value* arguments) {
  const std::vector<Tensor> outputs = tensors_of(environment, arguments[0]),
                            inputs = tensors_of(environment, arguments[1]);
  const auto there = [](const Tensor& x) { return static_cast<bool>(x); };
  napi_valuetype type;
  ok(napi_typeof(environment.env, arguments[3], &type));
  STM_CHECK(type == napi_function && std::all_of(outputs.begin(), outputs.end(), there) &&
                std::all_of(inputs.begin(), inputs.end(), there),
            Kind::Option, "defineFunction", "something else among the outputs and inputs", "tensors and a function",
            "pass tensors");
  std::vector<Form> forms;
  for (const Tensor& x : inputs) forms.push_back({x.shape(), x.dtype(), &x.device()});
  auto callback = std::make_shared<Callback>(environment.env, arguments[3]);
  on_backward("defineFunction", outputs, inputs, tensors_of(environment, arguments[2]),
              [&environment, callback, forms](const std::vector<Tensor>& grads, const SavedTensors& saved) {
                return call_backward(environment, *callback, grads, saved, forms);
              });
}

}  // namespace stm::binding
