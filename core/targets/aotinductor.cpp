// Runs the package from C++ with LibTorch, without Python.
//
//     TORCH=$(python -c "import pathlib, torch; print(pathlib.Path(torch.__file__).parent)")
//     g++ -std=c++20 -O2 main.cpp -o main -I$TORCH/include -I$TORCH/include/torch/csrc/api/include \
//         -L$TORCH/lib -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10 -Wl,-rpath,$TORCH/lib
//     python -c "import torch; torch.save(torch.rand(1, 3, 224, 224), 'input.pt')"
//     ./main {model} outputs.pt input.pt
//
// One file for each input, in the order of README.md; torch.load reads outputs.pt, a tuple. A package does not check
// its inputs: those of another shape or type than README.md says are read beyond their ends.
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/serialize.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: main MODEL OUTPUTS INPUT...\n";
    return 2;
  }
  c10::InferenceMode without_gradients;
  torch::inductor::AOTIModelPackageLoader model(argv[1]);
  std::vector<at::Tensor> inputs;
  for (int index = 3; index < argc; ++index) {
    std::ifstream file(argv[index], std::ios::binary);
    inputs.push_back(torch::pickle_load({std::istreambuf_iterator<char>(file), {}}).toTensor());
  }
  std::vector<at::Tensor> outputs = model.run(inputs);
  std::vector<c10::IValue> values(outputs.begin(), outputs.end());
  std::vector<char> written = torch::pickle_save(c10::ivalue::Tuple::create(std::move(values)));
  std::ofstream(argv[2], std::ios::binary).write(written.data(), written.size());
  return 0;
}
