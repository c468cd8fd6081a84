#include "traffic/model.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/error.h"
#include "traffic/operators.h"

namespace cowosim::traffic {

namespace {

using work::Category;
using work::Placement;
using work::Program;

std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// A model's dimensions, as the formulas want them.
struct Shape {
  explicit Shape(const ModelParams& model)
      : layers(unsigned_of(model.layers)),
        h(unsigned_of(model.hidden)),
        nq(unsigned_of(model.query_heads)),
        nkv(unsigned_of(model.kv_heads)),
        d(unsigned_of(model.head_dim)),
        f(unsigned_of(model.ffn)),
        v(unsigned_of(model.vocabulary)) {}
  std::uint64_t layers, h, nq, nkv, d, f, v;
  std::uint64_t qkv() const { return (nq + 2 * nkv) * d; }
};

/// Element sizes and counts of one pass.
struct Pass {
  std::uint64_t batch;
  std::uint64_t queries;      // new tokens per sequence
  std::uint64_t context;      // keys the attention reads per sequence
  std::uint64_t kv_capacity;  // tokens per sequence
  std::uint32_t weight_bytes;
  std::uint32_t kv_bytes;
  std::uint32_t activation_bytes;
  bool decode;
  std::uint64_t head_slices;  // of the LM head, of which one is simulated where layers are sampled
  std::uint64_t tokens() const { return batch * queries; }
  /// Few rows: K panels add up in memory, in fp32. More rows: in the core, stored as activations.
  bool accumulate_in_memory() const { return tokens() <= 16; }
  std::uint32_t output_bytes() const { return accumulate_in_memory() ? 4 : activation_bytes; }
};

struct LayerAddresses {
  std::uint64_t attention_norm, qkv, output, mlp_norm, gate_up, down, kv;
};

struct Addresses {
  std::uint64_t embedding, head, final_norm;
  std::vector<LayerAddresses> layers;
  std::uint64_t residual, delta, normed, qkv, q, attention, partial, gate_up, activated, logits;
};

AttentionShape attention_shape(const Shape& s, const Pass& pass) {
  AttentionShape a;
  a.batch = pass.batch;
  a.queries = pass.queries;
  a.context = pass.context;
  a.query_heads = s.nq;
  a.kv_heads = s.nkv;
  a.head_dim = s.d;
  a.kv_capacity = pass.kv_capacity;
  a.q.element_bytes = a.out.element_bytes = pass.activation_bytes;
  a.kv.element_bytes = pass.kv_bytes;
  return a;
}

/// Everything the whole model needs, all layers of it: capacity and addresses are real whatever is simulated.
Addresses place(const ModelParams& model, const Pass& pass, Placement& placement) {
  const Shape s(model);
  const std::uint64_t ew = pass.weight_bytes;
  Addresses at{};
  at.embedding = placement.place("embedding", Category::weights, s.v * s.h * ew);
  for (std::uint64_t l = 0; l < s.layers; ++l) {
    const auto weights = [&](const char* what, std::uint64_t elements) {
      return placement.place(fmt::format("layer_{}.{}", l, what), Category::weights, elements * ew);
    };
    LayerAddresses layer{};
    layer.attention_norm = weights("attention_norm", s.h);
    layer.qkv = weights("qkv", s.qkv() * s.h);
    layer.output = weights("output", s.h * s.nq * s.d);
    layer.mlp_norm = weights("mlp_norm", s.h);
    layer.gate_up = weights("gate_up", 2 * s.f * s.h);
    layer.down = weights("down", s.h * s.f);
    at.layers.push_back(layer);
  }
  at.final_norm = placement.place("final_norm", Category::weights, s.h * ew);
  at.head = model.tied_embeddings ? at.embedding : placement.place("lm_head", Category::weights, s.v * s.h * ew);
  for (std::uint64_t l = 0; l < s.layers; ++l) {
    at.layers[l].kv = placement.place(fmt::format("layer_{}.kv", l), Category::kv,
                                      pass.batch * 2 * s.nkv * pass.kv_capacity * s.d * pass.kv_bytes);
  }
  const auto activations = [&](const char* what, std::uint64_t elements, std::uint32_t element_bytes) {
    return placement.place(what, Category::activations, elements * element_bytes);
  };
  const std::uint64_t t = pass.tokens();
  at.residual = activations("residual", t * s.h, pass.activation_bytes);
  at.delta = activations("delta", t * s.h, pass.output_bytes());
  at.normed = activations("normed", t * s.h, pass.activation_bytes);
  at.qkv = activations("qkv", t * s.qkv(), pass.output_bytes());
  at.q = activations("q", t * s.nq * s.d, pass.activation_bytes);
  at.attention = activations("attention", t * s.nq * s.d, pass.activation_bytes);
  if (pass.decode)
    at.partial =
        activations("attention_partial", pass.batch * s.nq * attention_splits(attention_shape(s, pass)) * (s.d + 1), 4);
  at.gate_up = activations("gate_up", t * 2 * s.f, pass.output_bytes());
  at.activated = activations("activated", t * s.f, pass.activation_bytes);
  at.logits = activations("logits", pass.batch * s.v, 4);
  return at;
}

/// Emits the operators of one pass. Which layers are simulated: number j of n is layer floor(j L / n) and stands for
/// itself and the layers up to the next one; what comes before the first and after the last layer is simulated once and counts once,
/// but for the LM head: where layers are sampled it is cut into `head_slices` equal slices of the vocabulary, and the first stands for all.
/// Every layer begins with "residual += delta": the embedding is layer 0's delta (its residual is zero), so that all layers are alike.
Program build(const ModelParams& model, const Pass& pass, std::uint64_t layers_simulated, const Addresses& at) {
  const Shape s(model);
  const std::uint32_t ea = pass.activation_bytes;
  const std::uint32_t ew = pass.weight_bytes;
  const std::uint32_t eo = pass.output_bytes();
  const std::uint64_t t = pass.tokens();
  const std::uint64_t n = std::min(layers_simulated, s.layers);

  Program program;
  program.model = model.name;
  program.phase = pass.decode ? "decode" : "prefill";
  program.workload = model.name + "_" + program.phase;
  program.name = program.workload;
  program.tokens = t;
  program.batch = pass.batch;
  program.context = pass.context;
  program.layers = static_cast<std::uint32_t>(s.layers);
  program.layers_simulated = static_cast<std::uint32_t>(n);

  int layer_index = -1;
  std::uint32_t repeats = 1;
  const auto emit = [&](std::unique_ptr<work::Operator> op) {
    op->layer = layer_index;
    op->repeats = repeats;
    program.operators.push_back(std::move(op));
  };
  const auto name = [&](const char* what) {
    return layer_index < 0 ? std::string(what) : fmt::format("layer_{}.{}", layer_index, what);
  };
  const auto gemm = [&](const char* what, std::uint64_t rows, std::uint64_t outputs, std::uint64_t inputs,
                        std::uint64_t a, std::uint64_t weights, std::uint64_t c, std::uint32_t c_bytes) {
    GemmShape shape;
    shape.m = rows;
    shape.n = outputs;
    shape.k = inputs;
    shape.a = {a, ea};
    shape.b = {weights, ew};
    shape.c = {c, c_bytes};
    shape.accumulate_in_memory = rows <= 16 && c_bytes == 4;
    emit(std::make_unique<Gemm>(name(what), shape));
  };
  const auto norm = [&](const char* what, std::uint64_t gain) {
    NormShape shape;
    shape.rows = t;
    shape.width = s.h;
    shape.delta = {at.delta, eo};
    shape.residual = {at.residual, ea};
    shape.gain = {gain, ew};
    shape.out = {at.normed, ea};
    shape.rows_per_tile = t <= 256 ? 1 : 2;
    if (layer_index < 0) {  // the final one: only the last token of each sequence goes on
      shape.rows = pass.batch;
      shape.rows_per_tile = 1;
      shape.row_step = pass.queries;
      shape.delta.base += (pass.queries - 1) * s.h * eo;
      shape.residual.base += (pass.queries - 1) * s.h * ea;
    }
    emit(std::make_unique<Norm>(name(what), shape));
  };

  EmbeddingShape embedding;
  embedding.rows = t;
  embedding.width = s.h;
  embedding.vocabulary = s.v;
  embedding.table = {at.embedding, ew};
  embedding.out = {at.delta, eo};
  emit(std::make_unique<Embedding>("embedding", embedding));

  for (std::uint64_t j = 0; j < n; ++j) {
    const std::uint64_t l = j * s.layers / n;
    layer_index = static_cast<int>(l);
    repeats = static_cast<std::uint32_t>((j + 1) * s.layers / n - l);
    const LayerAddresses& layer = at.layers[l];

    norm("attention_norm", layer.attention_norm);
    gemm("qkv", t, s.qkv(), s.h, at.normed, layer.qkv, at.qkv, eo);

    AttentionShape attention = attention_shape(s, pass);
    attention.q.base = at.q;
    attention.kv.base = layer.kv;
    attention.out.base = at.attention;
    attention.partial = {at.partial, 4};
    RotaryShape rotary;
    rotary.attention = attention;
    rotary.qkv = {at.qkv, eo};
    rotary.position = pass.decode ? pass.context : 0;
    emit(std::make_unique<RotaryAppend>(name("rotary"), rotary));
    if (pass.decode) {
      auto decode = std::make_unique<AttentionDecode>(name("attention"), attention);
      const std::uint64_t splits = decode->splits();
      emit(std::move(decode));
      if (splits > 1) emit(std::make_unique<AttentionCombine>(name("attention_combine"), attention, splits));
    } else {
      emit(std::make_unique<AttentionPrefill>(name("attention"), attention));
    }
    gemm("output", t, s.h, s.nq * s.d, at.attention, layer.output, at.delta, eo);

    norm("mlp_norm", layer.mlp_norm);
    gemm("gate_up", t, 2 * s.f, s.h, at.normed, layer.gate_up, at.gate_up, eo);
    SwigluShape swiglu;
    swiglu.rows = t;
    swiglu.width = s.f;
    swiglu.in = {at.gate_up, eo};
    swiglu.out = {at.activated, ea};
    emit(std::make_unique<Swiglu>(name("swiglu"), swiglu));
    gemm("down", t, s.h, s.f, at.activated, layer.down, at.delta, eo);
  }
  layer_index = -1;
  repeats = 1;
  norm("final_norm", at.final_norm);
  std::uint64_t slices = n < s.layers ? pass.head_slices : 1;
  while (s.v % slices != 0) --slices;
  repeats = static_cast<std::uint32_t>(slices);
  gemm("lm_head", pass.batch, s.v / slices, s.h, at.normed, at.head, at.logits, 4);
  return program;
}

ConfigError workload_error(const char* path, std::string message) {
  return ConfigError(Diagnostic{"", 0, 0, path, std::move(message)});
}

/// Whether a batch fits behind what is placed already; the placement is not touched.
bool fits(const ModelParams& model, Pass pass, std::uint64_t batch, const Placement& placement) {
  Placement trial = placement;
  pass.batch = batch;
  place(model, pass, trial);
  return trial.missing() == 0;
}

std::uint64_t resolve_batch(const std::string& text, const ModelParams& model, const Pass& pass,
                            const Placement& placement) {
  constexpr std::uint64_t kMaxBatch = 1u << 16;
  if (text == "max") {
    std::uint64_t low = 1;  // if even this does not fit, placing it says what is missing
    std::uint64_t high = kMaxBatch + 1;
    while (high - low > 1) {
      const std::uint64_t middle = (low + high) / 2;
      (fits(model, pass, middle, placement) ? low : high) = middle;
    }
    return low;
  }
  std::uint64_t batch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batch);
  if (error != std::errc{} || end != text.data() + text.size() || batch == 0 || batch > kMaxBatch) {
    throw workload_error("workload.batch",
                         fmt::format("`{}` is neither a number from 1 to {} nor `max`", text, kMaxBatch));
  }
  return batch;
}

}  // namespace

std::uint64_t ModelParams::layer_parameters() const {
  const Shape s(*this);
  return s.qkv() * s.h + s.h * s.nq * s.d + 3 * s.f * s.h + 2 * s.h;
}

std::uint64_t ModelParams::parameters() const {
  const Shape s(*this);
  return (tied_embeddings ? 1 : 2) * s.v * s.h + s.layers * layer_parameters() + s.h;
}

void ModelParams::check() const {
  std::vector<Diagnostic> errors;
  if (query_heads % kv_heads != 0) {
    errors.push_back(
        {"", 0, 0, "kv_heads",
         fmt::format("{} does not divide query_heads ({}); every KV head serves the same number of query heads",
                     kv_heads, query_heads)});
  }
  const double count = static_cast<double>(parameters());
  if (published_parameters > 0 && std::abs(count / published_parameters - 1) > 0.005) {
    errors.push_back(
        {"", 0, 0, "published_parameters",
         fmt::format("the shapes of {} have {:.4g} parameters, published are {:.4g}; they must agree within 0.5 %",
                     name, count, published_parameters)});
  }
  if (!errors.empty()) throw ConfigError(std::move(errors));
}

work::Program build_decode(const ModelParams& model, const DecodeParams& params, work::Placement& placement) {
  model.check();
  Pass pass{1,
            1,
            unsigned_of(params.context),
            unsigned_of(params.context) + 1,
            static_cast<std::uint32_t>(params.weight_bytes_per_element),
            static_cast<std::uint32_t>(params.kv_bytes_per_element),
            static_cast<std::uint32_t>(params.activation_bytes_per_element),
            true,
            unsigned_of(params.head_slices)};
  pass.batch = resolve_batch(params.batch, model, pass, placement);
  const Addresses at = place(model, pass, placement);
  placement.require_fit(fmt::format("{}_decode with batch {} and context {}", model.name, pass.batch, pass.context));
  return build(model, pass, unsigned_of(params.layers), at);
}

work::Program build_prefill(const ModelParams& model, const PrefillParams& params, work::Placement& placement) {
  model.check();
  const Pass pass{unsigned_of(params.batch),
                  unsigned_of(params.tokens),
                  unsigned_of(params.tokens),
                  unsigned_of(params.tokens),
                  static_cast<std::uint32_t>(params.weight_bytes_per_element),
                  static_cast<std::uint32_t>(params.kv_bytes_per_element),
                  static_cast<std::uint32_t>(params.activation_bytes_per_element),
                  false,
                  unsigned_of(params.head_slices)};
  const Addresses at = place(model, pass, placement);
  placement.require_fit(fmt::format("{}_prefill of {} prompts of {} tokens", model.name, pass.batch, pass.queries));
  return build(model, pass, unsigned_of(params.layers), at);
}

}  // namespace cowosim::traffic
