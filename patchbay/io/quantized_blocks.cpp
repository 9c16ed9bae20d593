// One function a type, each from the bytes of a block to its 32 or 256 floats.
#include "patchbay/io/quantized_blocks.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "patchbay/base/error.h"
#include "patchbay/base/float_environment.h"
#include "patchbay/io/half.h"

namespace patchbay {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are little endian");

constexpr std::size_t kHalf = 16;  // half a small block: low and high nibbles of the same bytes

using Bytes = const std::uint8_t*;

std::uint16_t u16(Bytes at) {
  std::uint16_t code = 0;
  std::memcpy(&code, at, sizeof(code));
  return code;
}
std::uint32_t u32(Bytes at) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, at, sizeof(bits));
  return bits;
}
float scale_at(Bytes at) { return half_to_float(u16(at)); }
int low(std::uint8_t byte) { return byte & 0x0F; }
int high(std::uint8_t byte) { return byte >> 4; }
int bit(std::uint32_t bits, std::size_t i) { return static_cast<int>((bits >> i) & 1U); }

// d · (q − 8); bytes: d, 16 × two 4-bit q.
void q4_0(Bytes block, float* y) {
  const float d = scale_at(block);
  const Bytes qs = block + 2;
  for (std::size_t i = 0; i < kHalf; ++i) {
    y[i] = d * static_cast<float>(low(qs[i]) - 8);
    y[i + kHalf] = d * static_cast<float>(high(qs[i]) - 8);
  }
}

// d · q + m; bytes: d, m, 16 × two 4-bit q.
void q4_1(Bytes block, float* y) {
  const float d = scale_at(block);
  const float m = scale_at(block + 2);
  const Bytes qs = block + 4;
  for (std::size_t i = 0; i < kHalf; ++i) {
    y[i] = d * static_cast<float>(low(qs[i])) + m;
    y[i + kHalf] = d * static_cast<float>(high(qs[i])) + m;
  }
}

// d · (q − 16); bytes: d, the fifth bits of all q, 16 × two times four bits of q.
void q5_0(Bytes block, float* y) {
  const float d = scale_at(block);
  const std::uint32_t fifth = u32(block + 2);
  const Bytes qs = block + 6;
  for (std::size_t i = 0; i < kHalf; ++i) {
    y[i] = d * static_cast<float>((low(qs[i]) | bit(fifth, i) << 4) - 16);
    y[i + kHalf] = d * static_cast<float>((high(qs[i]) | bit(fifth, i + kHalf) << 4) - 16);
  }
}

// d · q + m; bytes: d, m, then as Q5_0.
void q5_1(Bytes block, float* y) {
  const float d = scale_at(block);
  const float m = scale_at(block + 2);
  const std::uint32_t fifth = u32(block + 4);
  const Bytes qs = block + 8;
  for (std::size_t i = 0; i < kHalf; ++i) {
    y[i] = d * static_cast<float>(low(qs[i]) | bit(fifth, i) << 4) + m;
    y[i + kHalf] = d * static_cast<float>(high(qs[i]) | bit(fifth, i + kHalf) << 4) + m;
  }
}

// d · q; bytes: d, 32 × signed q.
void q8_0(Bytes block, float* y) {
  const float d = scale_at(block);
  for (std::size_t i = 0; i < 2 * kHalf; ++i) {
    y[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
  }
}

// Of Q4_K and Q5_K: eight groups of 32 elements, each with a 6-bit scale and a 6-bit offset.
struct Groups {
  std::array<float, 8> scale;   // d · its 6 bits
  std::array<float, 8> offset;  // dmin · its 6 bits
};

// Bytes: d, dmin, 12 bytes of packed 6-bit numbers. Groups 0 to 3 keep theirs in the low six bits;
// of groups 4 to 7 the low four bits are in bytes 8 to 11, the upper two above those of 0 to 3.
Groups read_groups(Bytes block) {
  const float d = scale_at(block);
  const float dmin = scale_at(block + 2);
  const Bytes packed = block + 4;
  Groups groups{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint8_t scale_bits = packed[i];
    const std::uint8_t offset_bits = packed[i + 4];
    const std::uint8_t later = packed[i + 8];
    groups.scale[i] = d * static_cast<float>(scale_bits & 63);
    groups.offset[i] = dmin * static_cast<float>(offset_bits & 63);
    groups.scale[i + 4] = d * static_cast<float>(low(later) | (scale_bits >> 6) << 4);
    groups.offset[i + 4] = dmin * static_cast<float>(high(later) | (offset_bits >> 6) << 4);
  }
  return groups;
}

// scale · q − offset; bytes: the groups, then 4 × 32 bytes: the 4-bit q of two groups, low and
// high.
void q4_k(Bytes block, float* y) {
  const Groups groups = read_groups(block);
  const Bytes qs = block + 16;
  for (std::size_t group = 0; group < 8; ++group) {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint8_t byte = qs[group / 2 * 32 + i];
      const int q = group % 2 == 0 ? low(byte) : high(byte);
      y[group * 32 + i] = groups.scale[group] * static_cast<float>(q) - groups.offset[group];
    }
  }
}

// As Q4_K; the fifth bits of q lie before the others: bit `group` of byte i.
void q5_k(Bytes block, float* y) {
  const Groups groups = read_groups(block);
  const Bytes fifth = block + 16;
  const Bytes qs = block + 48;
  for (std::size_t group = 0; group < 8; ++group) {
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint8_t byte = qs[group / 2 * 32 + i];
      const int q = (group % 2 == 0 ? low(byte) : high(byte)) | bit(fifth[i], group) << 4;
      y[group * 32 + i] = groups.scale[group] * static_cast<float>(q) - groups.offset[group];
    }
  }
}

// d · scale · (q − 32), 16 elements a scale; bytes: 128 with the low four bits of q, 64 with the
// upper two, 16 signed scales, d. Each half of the block is four runs of 32 elements.
void q6_k(Bytes block, float* y) {
  const Bytes scales = block + 192;
  const float d = scale_at(block + 208);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128;
    const std::size_t run = i / 32 % 4;
    const std::size_t column = i % 32;
    const std::uint8_t byte = block[half * 64 + run % 2 * 32 + column];
    const int upper = block[128 + half * 32 + column] >> (2 * run) & 3;
    const int q = ((run < 2 ? low(byte) : high(byte)) | upper << 4) - 32;
    const float scale = d * static_cast<float>(static_cast<std::int8_t>(scales[i / 16]));
    y[i] = scale * static_cast<float>(q);
  }
}

using BlockFunction = void (*)(Bytes, float*);

BlockFunction block_function(GgmlType type) {
  switch (type) {
    case GgmlType::kQ4_0:
      return q4_0;
    case GgmlType::kQ4_1:
      return q4_1;
    case GgmlType::kQ5_0:
      return q5_0;
    case GgmlType::kQ5_1:
      return q5_1;
    case GgmlType::kQ8_0:
      return q8_0;
    case GgmlType::kQ4_K:
      return q4_k;
    case GgmlType::kQ5_K:
      return q5_k;
    case GgmlType::kQ6_K:
      return q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

bool is_quantized(GgmlType type) { return block_function(type) != nullptr; }

void dequantize(GgmlType type, std::span<const std::byte> blocks, std::span<float> out) {
  const GgmlTypeInfo& info = ggml_type_info(type);
  const std::size_t count = blocks.size() / info.block_bytes;
  if (!is_quantized(type) || blocks.size() != count * info.block_bytes ||
      out.size() != count * info.block_elements) {
    throw Error(
        ErrorKind::kUsage, "gguf",
        fmt::format("{} bytes of {} are not the blocks of {} elements; give whole blocks of a "
                    "quantized type",
                    blocks.size(), info.name, out.size()));
  }
  const FloatEnvironment environment;
  const BlockFunction function = block_function(type);
  const auto* bytes = reinterpret_cast<Bytes>(blocks.data());
  for (std::size_t i = 0; i < count; ++i) {
    function(bytes + i * info.block_bytes, out.data() + i * info.block_elements);
  }
}

}  // namespace patchbay
