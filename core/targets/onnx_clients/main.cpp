// Runs {model} once with ONNX Runtime's C++ interface, on inputs of zeros.
// ORT is the unpacked archive of ONNX Runtime for your system:
//   g++ -std=c++17 main.cpp -I ORT/include -L ORT/lib -lonnxruntime -Wl,-rpath,ORT/lib -o main && ./main

#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <onnxruntime_cxx_api.h>

int main(int argc, char** argv) try {
  const std::string path = argc > 1 ? argv[1] : "../model/{model}";
  Ort::Env env(ORT_LOGGING_LEVEL_WARNING);
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  Ort::Session session(env, std::basic_string<ORTCHAR_T>(path.begin(), path.end()).c_str(), options);
  Ort::AllocatorWithDefaultOptions allocator;

  std::vector<Ort::AllocatedStringPtr> held;
  std::vector<const char*> inputs, outputs;
  std::vector<Ort::Value> feed;
  for (size_t index = 0; index < session.GetInputCount(); ++index) {
    held.push_back(session.GetInputNameAllocated(index, allocator));
    inputs.push_back(held.back().get());
    const Ort::TypeInfo type = session.GetInputTypeInfo(index);
    const auto about = type.GetTensorTypeAndShapeInfo();
    std::vector<int64_t> shape = about.GetShape();
    for (int64_t& size : shape) size = size < 0 ? 1 : size;  // a free size, such as the batch
    feed.push_back(Ort::Value::CreateTensor(allocator, shape.data(), shape.size(), about.GetElementType()));
    // Your data goes here: std::copy(data, data + count, feed.back().GetTensorMutableData<float>());
    std::memset(feed.back().GetTensorMutableRawData(), 0, feed.back().GetTensorSizeInBytes());
  }
  for (size_t index = 0; index < session.GetOutputCount(); ++index) {
    held.push_back(session.GetOutputNameAllocated(index, allocator));
    outputs.push_back(held.back().get());
  }

  const auto answers = session.Run(
      Ort::RunOptions(), inputs.data(), feed.data(), feed.size(), outputs.data(), outputs.size());
  for (size_t index = 0; index < answers.size(); ++index) {
    std::cout << outputs[index] << ":";
    for (int64_t size : answers[index].GetTensorTypeAndShapeInfo().GetShape()) std::cout << " " << size;
    std::cout << "\n";
  }
  return 0;
} catch (const Ort::Exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
