// Transformer models: shapes from a file, operators of a decode step or a prefill from shapes.
#pragma once

#include <cstdint>
#include <string>

#include "core/parameter.h"
#include "work/placement.h"
#include "work/tile.h"

namespace cowosim::traffic {

/// A dense decoder with grouped-query attention, RMSNorm, rotary embedding and SwiGLU: the keys of traffic/models/<name>.yaml.
struct ModelParams {
  std::string name;
  std::int64_t layers = 1;
  std::int64_t hidden = 1;
  std::int64_t query_heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;
  std::int64_t ffn = 1;
  std::int64_t vocabulary = 1;
  bool tied_embeddings = false;
  double published_parameters = 0;

  template <class Visitor>
  void visit(Visitor& v) {
    v("name", name, "name of the model; its workloads are <name>_decode and <name>_prefill", "the file");
    v("layers", layers, Range{1, 1000}, "transformer layers", "the model's config.json: num_hidden_layers");
    v("hidden", hidden, Range{1, 1 << 20}, "width of the residual stream", "the model's config.json: hidden_size");
    v("query_heads", query_heads, Range{1, 4096}, "query heads", "the model's config.json: num_attention_heads");
    v("kv_heads", kv_heads, Range{1, 4096}, "key/value heads; divides query_heads",
      "the model's config.json: num_key_value_heads");
    v("head_dim", head_dim, Range{1, 4096}, "width of a head",
      "the model's config.json: head_dim, or hidden_size / num_attention_heads");
    v("ffn", ffn, Range{1, 1 << 22}, "width of the gated feed-forward network",
      "the model's config.json: intermediate_size");
    v("vocabulary", vocabulary, Range{1, 1 << 24}, "rows of the embedding tables",
      "the model's config.json: vocab_size");
    v("tied_embeddings", tied_embeddings, "input embedding and LM head are one table",
      "the model's config.json: tie_word_embeddings");
    v("published_parameters", published_parameters, Range{0, 1e15},
      "published parameter count, to check the shapes; 0: unknown", "the model's card");
  }

  std::uint64_t layer_parameters() const;
  /// All parameters: tables, layers, final norm.
  std::uint64_t parameters() const;
  /// Throws ConfigError: kv_heads does not divide query_heads, or the count is more than 0.5 % off the published one.
  void check() const;
};

struct DecodeParams {
  std::string batch = "1";
  std::int64_t context = 4096;
  std::int64_t weight_bytes_per_element = 1;
  std::int64_t kv_bytes_per_element = 2;
  std::int64_t activation_bytes_per_element = 2;
  std::int64_t layers = 1;
  std::int64_t head_slices = 16;

  template <class Visitor>
  void visit(Visitor& v) {
    v("batch", batch, "sequences decoded together: a number, or `max`: as many as fit into memory", "experiment");
    v("context", context, Range{1, 1 << 24}, "tokens in the KV cache of each sequence; the step appends one more",
      "experiment");
    v("weight_bytes_per_element", weight_bytes_per_element, Range{1, 4}, "1: FP8, 2: bf16, 4: fp32; norm gains too",
      "experiment");
    v("kv_bytes_per_element", kv_bytes_per_element, Range{1, 4}, "of the KV cache", "experiment");
    v("activation_bytes_per_element", activation_bytes_per_element, Range{1, 4}, "of activations between operators",
      "experiment");
    v("layers", layers, Range{1, 1000},
      "layers that are simulated, spread evenly; each stands for its share of the model's (more than it has: all)",
      "experiment");
    v("head_slices", head_slices, Range{1, 256},
      "where layers are sampled, one of this many slices of the LM head is simulated (the next smaller number that "
      "divides the vocabulary)",
      "experiment");
  }
};

struct PrefillParams {
  std::int64_t batch = 1;
  std::int64_t tokens = 2048;
  std::int64_t weight_bytes_per_element = 1;
  std::int64_t kv_bytes_per_element = 2;
  std::int64_t activation_bytes_per_element = 2;
  std::int64_t layers = 1;
  std::int64_t head_slices = 16;

  template <class Visitor>
  void visit(Visitor& v) {
    v("batch", batch, Range{1, 4096}, "prompts processed together", "experiment");
    v("tokens", tokens, Range{1, 1 << 24}, "tokens of each prompt", "experiment");
    v("weight_bytes_per_element", weight_bytes_per_element, Range{1, 4}, "1: FP8, 2: bf16, 4: fp32; norm gains too",
      "experiment");
    v("kv_bytes_per_element", kv_bytes_per_element, Range{1, 4}, "of the KV cache", "experiment");
    v("activation_bytes_per_element", activation_bytes_per_element, Range{1, 4}, "of activations between operators",
      "experiment");
    v("layers", layers, Range{1, 1000},
      "layers that are simulated, spread evenly; each stands for its share of the model's (more than it has: all)",
      "experiment");
    v("head_slices", head_slices, Range{1, 256},
      "where layers are sampled, one of this many slices of the LM head is simulated (the next smaller number that "
      "divides the vocabulary)",
      "experiment");
  }
};

/// One decode step. Places all layers' weights and the KV cache of all sequences; throws ConfigError when they do not fit, when `batch` is
/// neither a number >= 1 nor `max`, and when the model is inconsistent.
work::Program build_decode(const ModelParams& model, const DecodeParams& params, work::Placement& placement);
/// One prompt pass; the LM head sees the last token of each prompt only.
work::Program build_prefill(const ModelParams& model, const PrefillParams& params, work::Placement& placement);

}  // namespace cowosim::traffic
