#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "kernels/model/gguf.h"
#include "kernels/model/load_name.h"
#include "kernels/model/mapped_file.h"
#include "kernels/model/mlx_load.h"

namespace wattline::kernels {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool IsFolder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}
bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The shards that an index names; the error, or empty.
std::string Shards(const MappedFile& index, const std::string& source,
                   std::set<std::string>& files) {
  const auto* text = reinterpret_cast<const char*>(index.bytes.data());
  const Json json = Json::parse(text, text + index.bytes.size(), nullptr, false);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object() || map->empty()) {
    return fmt::format("{}: has no object 'weight_map'", source);
  }
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    // A file of this folder: an index must not lead anywhere else.
    if (name.empty() || fs::path(name).filename() != name || name == "..") {
      return fmt::format("{}: tensor {} lies in {}, which is no name of a file", source,
                         Quoted(tensor), Quoted(name));
    }
    files.insert(name);
  }
  return {};
}

// ".../models--mlx-community--Llama-3.2-1B-Instruct-4bit/snapshots/0123abcd" is a folder of Hugging
// Face's cache.
std::string FolderName(const fs::path& folder) {
  std::error_code error;
  fs::path whole = fs::absolute(folder, error).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  std::string name = whole.filename().string();
  if (whole.parent_path().filename() == "snapshots") {
    const std::string cached = whole.parent_path().parent_path().filename().string();
    const size_t last = cached.rfind("--");
    if (last != std::string::npos) name = cached.substr(last + 2);
  }
  return NameOfText(name);
}

}  // namespace

bool IsMlxModel(const std::string& path) {
  return path.ends_with(".safetensors") || IsFolder(path);
}

LoadedModel LoadMlxModel(const std::string& path) {
  const fs::path given(path);
  const fs::path folder = IsFolder(given) ? given : given.parent_path();
  const std::string config_path = folder / "config.json";
  const MappedFile config = MapFile(config_path);
  if (!config.error.empty()) {
    return {nullptr, config.error + "; a model of MLX's has it beside its safetensors"};
  }
  std::set<std::string> files;
  const std::string index_path = folder / "model.safetensors.index.json";
  if (!IsFolder(given)) {
    files.insert(given.filename());
  } else if (Exists(index_path)) {
    const MappedFile index = MapFile(index_path);
    std::string error = index.error.empty() ? Shards(index, index_path, files) : index.error;
    if (!error.empty()) return {nullptr, error};
  } else {
    files.insert("model.safetensors");
  }
  std::vector<MappedFile> mapped;
  std::vector<NamedBytes> weights;
  for (const std::string& file : files) {
    const std::string source = folder / file;
    mapped.push_back(MapFile(source));
    if (!mapped.back().error.empty()) return {nullptr, mapped.back().error};
    weights.push_back({source, mapped.back().bytes});
  }
  LoadedModel loaded = LoadMlxFromMemory({config_path, config.bytes}, weights);
  if (loaded.model) loaded.model->shape.name = FolderName(folder);
  return loaded;
}

}  // namespace wattline::kernels
