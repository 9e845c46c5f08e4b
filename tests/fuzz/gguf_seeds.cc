// Writes the seeds of the GGUF fuzzer into a folder: small whole models in every format.
//   gguf_seeds FOLDER
#include <cstdio>
#include <fstream>
#include <string>

#include "kernels/model/gguf_writer.h"
#include "kernels/model/random_model.h"
#include "tests/gguf_bytes.h"

namespace {

using namespace wattline::kernels;

bool Save(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  return static_cast<bool>(file.flush());
}

ModelShape SmallestShape() {
  ModelShape s;
  s.name = "seed";
  s.layers = 1;
  s.model_dim = 32;
  s.ffn_dim = 32;
  s.heads = 2;
  s.kv_heads = 1;
  s.head_dim = 16;
  s.vocab = 4;
  s.context = 8;
  s.rope_dim = 16;
  return s;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: gguf_seeds FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  ThreadPool pool(1);
  bool good = Save(folder + "/plain", TestGguf().File());
  for (const char* format : {"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1"}) {
    ModelShape shape = SmallestShape();
    if (format[0] == 'q') shape.llama3_rope = Llama3Rope{32.0, 1.0, 4.0, 64};
    shape.tied_output = format[1] == '4';
    const LoadedModel made = MakeRandomModel(shape, format, 1, pool);
    good = good && made.model && Save(folder + "/" + format, ModelGguf(*made.model).Bytes());
  }
  TestGguf scaled;
  scaled.Set(Text("llama.rope.scaling.type", "linear"));
  scaled.Set(F32("llama.rope.scaling.factor", 4.0f));
  scaled.Set(U32("general.alignment", 64));
  scaled.Set(U32("llama.expert_count", 0));
  scaled.Add("rope_freqs.weight", {8});
  scaled.alignment_byte = 64;
  good = good && Save(folder + "/scaled", scaled.File());
  if (!good) std::fprintf(stderr, "gguf_seeds: cannot write to %s\n", folder.c_str());
  return good ? 0 : 1;
}
