// GGUF files made of parts for tests: every claim of the file can be made a lie.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/model/load.h"

namespace wattline::kernels {

// Integers and texts one after the other, little-endian.
class Bytes {
 public:
  template <typename T>
  Bytes& Put(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    text_.append(bytes, sizeof(T));
    return *this;
  }
  Bytes& Text(std::string_view text) {
    Put<uint64_t>(text.size());
    text_ += text;
    return *this;
  }
  Bytes& Raw(std::string_view raw) {
    text_ += raw;
    return *this;
  }
  const std::string& str() const { return text_; }

 private:
  std::string text_;
};

struct TestPair {
  std::string key;
  std::string value;  // type and value
};

inline TestPair U32(std::string key, uint32_t value) {
  return {std::move(key), Bytes().Put<uint32_t>(4).Put(value).str()};
}
inline TestPair I32(std::string key, int32_t value) {
  return {std::move(key), Bytes().Put<uint32_t>(5).Put(value).str()};
}
inline TestPair U64(std::string key, uint64_t value) {
  return {std::move(key), Bytes().Put<uint32_t>(10).Put(value).str()};
}
inline TestPair F32(std::string key, float value) {
  return {std::move(key), Bytes().Put<uint32_t>(6).Put(value).str()};
}
inline TestPair Text(std::string key, std::string_view value) {
  return {std::move(key), Bytes().Put<uint32_t>(8).Text(value).str()};
}

struct TestTensor {
  std::string name;
  std::vector<uint64_t> ne;
  uint32_t type = 0;
  uint64_t byte = 0;               // what it takes in the data
  int64_t offset_change_byte = 0;  // added to its right offset
};

// A model of one layer, model_dim 32, ffn_dim 64, 2 heads of 16, 1 KV head, vocabulary 8, all f32.
struct TestGguf {
  uint32_t version = 3;
  std::vector<TestPair> pairs;
  std::vector<TestTensor> tensors;
  int64_t extra_tensors = 0;  // added to the count that the file states
  int64_t extra_pairs = 0;
  uint64_t alignment_byte = 32;

  TestGguf() {
    pairs = {Text("general.architecture", "llama"),
             Text("general.name", "Test Model_7B"),
             U32("llama.block_count", 1),
             U64("llama.embedding_length", 32),
             I32("llama.feed_forward_length", 64),
             U32("llama.context_length", 64),
             U32("llama.attention.head_count", 2),
             U32("llama.attention.head_count_kv", 1),
             F32("llama.attention.layer_norm_rms_epsilon", 1e-5f)};
    Add("token_embd.weight", {32, 8});
    Add("blk.0.attn_norm.weight", {32});
    Add("blk.0.attn_q.weight", {32, 32});
    Add("blk.0.attn_k.weight", {32, 16});
    Add("blk.0.attn_v.weight", {32, 16});
    Add("blk.0.attn_output.weight", {32, 32});
    Add("blk.0.ffn_norm.weight", {32});
    Add("blk.0.ffn_gate.weight", {32, 64});
    Add("blk.0.ffn_up.weight", {32, 64});
    Add("blk.0.ffn_down.weight", {64, 32});
    Add("output_norm.weight", {32});
  }

  void Add(std::string name, std::vector<uint64_t> ne) {
    uint64_t byte = 4;
    for (const uint64_t size : ne) byte *= size;
    tensors.push_back({std::move(name), std::move(ne), 0, byte, 0});
  }
  TestTensor& Tensor(std::string_view name) {
    for (TestTensor& tensor : tensors) {
      if (tensor.name == name) return tensor;
    }
    return tensors.front();
  }
  void Set(const TestPair& pair) {
    Drop(pair.key);
    pairs.push_back(pair);
  }
  void Drop(std::string_view key) {
    std::erase_if(pairs, [key](const TestPair& pair) { return pair.key == key; });
  }
  void DropTensor(std::string_view name) {
    std::erase_if(tensors, [name](const TestTensor& tensor) { return tensor.name == name; });
  }

  uint64_t Padded(uint64_t byte) const {
    return (byte + alignment_byte - 1) / alignment_byte * alignment_byte;
  }

  // Everything before the data, not padded.
  std::string Header() const {
    Bytes header;
    header.Raw("GGUF").Put(version);
    header.Put<uint64_t>(tensors.size() + static_cast<uint64_t>(extra_tensors));
    header.Put<uint64_t>(pairs.size() + static_cast<uint64_t>(extra_pairs));
    for (const TestPair& pair : pairs) header.Text(pair.key).Raw(pair.value);
    uint64_t offset_byte = 0;
    for (const TestTensor& tensor : tensors) {
      header.Text(tensor.name).Put(static_cast<uint32_t>(tensor.ne.size()));
      for (const uint64_t size : tensor.ne) header.Put(size);
      header.Put(tensor.type).Put(offset_byte + static_cast<uint64_t>(tensor.offset_change_byte));
      offset_byte += Padded(tensor.byte);
    }
    return header.str();
  }

  // The whole file; all elements are the f32 1.0 (as f16: 0 and 1.875).
  std::string File() const {
    std::string file = Header();
    file.resize(Padded(file.size()), '\0');
    for (const TestTensor& tensor : tensors) {
      for (uint64_t i = 0; i < Padded(tensor.byte) / 4; ++i) file.append("\x00\x00\x80\x3f", 4);
    }
    return file;
  }
};

// Loads bytes from a heap block of exactly their size, so that a sanitiser sees every over-read.
inline LoadedModel LoadBytes(std::string_view bytes) {
  const std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return LoadModelFromMemory({copy.get(), bytes.size()}, "test.gguf", copy);
}

}  // namespace wattline::kernels
