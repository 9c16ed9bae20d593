// The record of a shard: what is read is written as the same bytes.
#include "patchbay/runs/shard.h"

#include "tests/fuzz/fuzz_target.h"

using namespace patchbay;
using namespace patchbay::fuzz;

void fuzz_shard(std::string_view data);

void fuzz_shard(std::string_view data) {
  accepts([&] {
    const runs::ShardRecord record = runs::parse_shard_record(data, "shard.json");
    require(record.shard.number >= 0 && record.shard.number < record.shard.count,
            "a shard is one of its count");
    const std::string text = runs::to_json(record);
    require(runs::to_json(runs::parse_shard_record(text, "again.json")) == text,
            "a record that is read and written is the same");
  });
}
