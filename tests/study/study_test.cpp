// Study files: what they say, what is refused in them, and the lists that studies print.
#include "patchbay/study/study.h"

#include <gtest/gtest.h>

#include "patchbay/base/error.h"
#include "patchbay/results/circuit_graph.h"
#include "patchbay/study/views.h"
#include "tests/support/tiny_models.h"

namespace patchbay {
namespace {

const std::string kStudy = R"(title = "T"
model = "ioi-small"
[task]
name = "ioi"
prompts = 3
[[experiment]]
id = "a"
experiment = "activation_patching"
title = "A"
show = ["grid", "top:5"]
options = { site = "z", layers = [0, 2], direction = "denoise" }
)";

// What a study says when one part of its text is another.
std::string error_in(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  try {
    (void)parse_study(text, "s.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadConfig);
    return error.what();
  }
  return "no error";
}

std::string error_of(const std::string& from, const std::string& to) {
  return error_in(kStudy, from, to);
}

TEST(Study, SaysWhatToRun) {
  const Study study = parse_study(kStudy, "s.toml");
  EXPECT_EQ(study.task, "ioi");
  EXPECT_EQ(study.task_options.prompts, 3);
  ASSERT_EQ(study.steps.size(), 1U);
  EXPECT_EQ(study.steps[0].settings,
            (std::map<std::string, std::string>{
                {"direction", "denoise"}, {"layers", "0,2"}, {"site", "z"}}));
  EXPECT_EQ(study.steps[0].show, (std::vector<std::string>{"grid", "top:5"}));
}

TEST(Study, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of("title = \"T\"", "titel = \"T\"").find("[study] s.toml, line "), 0U);
  EXPECT_EQ(error_of("model =", "modell = \"x\"\nmodel ="),
            "[study] s.toml, line 2: the study has no key \"modell\"; did you mean \"model\"?");
  EXPECT_EQ(error_of("prompts = 3", "promts = 3"),
            "[study] s.toml, line 5: [task] has no key \"promts\"; did you mean \"prompts\"?");
  EXPECT_EQ(error_of("prompts = 3", "prompts = \"3\""),
            "[study] s.toml, line 5: \"prompts\" must be a whole number, 0 or more");
  EXPECT_NE(error_of("\"activation_patching\"", "\"activation_paching\"")
                .find("did you mean \"activation_patching\"?"),
            std::string::npos);
  EXPECT_NE(error_of("layers", "layer").find("did you mean \"layers\"?"), std::string::npos);
  EXPECT_NE(error_of("top:5", "tpo:5").find("there is no view \"tpo\""), std::string::npos);
  EXPECT_NE(error_of("top:5", "top:five").find("ends in no number"), std::string::npos);
  EXPECT_NE(error_of("name = \"ioi\"", "name = \"iio\"").find("did you mean \"ioi\"?"),
            std::string::npos);
  EXPECT_NE(error_of("id = \"a\"", "id = \"../a\"").find("must be small letters"),
            std::string::npos);
  EXPECT_NE(error_of("title = \"T\"", "title = ").find("s.toml, line 1"), std::string::npos);
}

const std::string kCircuitStudy = R"(title = "T"
model = "ioi-small"
process = ["fold_layer_norm", "center_unembed"]
[task]
name = "ioi"
[circuit]
published = "paper"
found_by = "search"
[circuit.roles]
"name mover" = "1 @ END"
"S-inhibition" = "2 @ END"
[[experiment]]
id = "search"
experiment = "find_circuit"
title = "A"
[[experiment]]
id = "queries"
experiment = "path_patching"
title = "B"
options = { receiver = "q:{name mover}" }
[[experiment]]
id = "values"
experiment = "path_patching"
title = "C"
options = { receiver = "v:{S-inhibition} > logits", sender = "heads" }
[[experiment]]
id = "alone"
experiment = "faithfulness"
title = "D"
options = { circuit = "{circuit}" }
)";

std::string circuit_error(const std::string& from, const std::string& to) {
  return error_in(kCircuitStudy, from, to);
}

// On the model that a circuit was published for the braces are its heads, on others those that
// were found as far from the logits.
TEST(StudyCircuits, StandForHeadsOfTheModel) {
  const Study study = parse_study(kCircuitStudy, "s.toml");
  EXPECT_TRUE(study.process.fold_layer_norm && study.process.center_unembed);
  EXPECT_FALSE(study.process.center_writing_weights);
  HookedTransformerConfig cfg = TinyGpt2().model.cfg();
  EffectTable found;
  found.axes = {
      {"edge",
       {"2.1@END -> logits", "2.2@END -> logits", "1.1@END -> 2.1@END.q", "0.3@S2 -> 2.2@END.v"}},
      {"prompt", {"0"}}};
  found.values = {1, 1, 1, 1};
  CircuitNames names(*study.circuit, cfg, false);
  names.find_in(found);
  std::string missing;
  EXPECT_EQ(names.filled(study.steps[1].settings, missing)->at("receiver"), "q:2.1,2.2");
  EXPECT_EQ(names.filled(study.steps[2].settings, missing)->at("receiver"), "v:1.1 > logits");
  EXPECT_EQ(names.filled(study.steps[3].settings, missing)->at("circuit"),
            text_of(circuit_of(found)));
  EXPECT_EQ(names.with_stand_ins(study.steps[1].settings).at("receiver"), "q:2.3");
  found.axes[0].labels[2] = "1.1@S2 -> 2.1@END.k";
  names.find_in(found);
  EXPECT_EQ(names.filled(study.steps[2].settings, missing), std::nullopt);
  EXPECT_EQ(missing, "S-inhibition");

  cfg.n_layers = 12;
  cfg.n_heads = 12;
  cfg.d_model = 768;
  const CircuitNames published(*study.circuit, cfg, true);
  std::string none;
  EXPECT_EQ(published.filled(study.steps[1].settings, none)->at("receiver"), "q:9.9,10.0,9.6");
  EXPECT_EQ(published.filled(study.steps[3].settings, none)->at("circuit"), "paper");
}

TEST(StudyCircuits, RefuseBracesThatStandForNothing) {
  EXPECT_NE(circuit_error("{name mover}", "{name moover}").find("did you mean \"name mover\"?"),
            std::string::npos);
  EXPECT_NE(circuit_error("{name mover}", "{name mover").find("stands for nothing"),
            std::string::npos);
  EXPECT_NE(circuit_error("published = \"paper\"", "published = \"papre\"")
                .find("did you mean \"paper\"?"),
            std::string::npos);
  EXPECT_NE(circuit_error("1 @ END", "END").find("how many steps from the logits"),
            std::string::npos);
  EXPECT_NE(circuit_error("found_by = \"search\"", "found_by = \"values\"")
                .find("no earlier experiment is a find_circuit with the id \"values\""),
            std::string::npos);
  EXPECT_NE(circuit_error("\"center_unembed\"", "\"center_unembd\"")
                .find("did you mean \"center_unembed\"?"),
            std::string::npos);
  const std::size_t begin = kCircuitStudy.find("[circuit]");
  const std::size_t end = kCircuitStudy.find("[[experiment]]");
  EXPECT_NE(circuit_error(kCircuitStudy.substr(begin, end - begin), "").find("has no [circuit]"),
            std::string::npos);
}

// Attention 1, 2, 3 and projection 2, 4, 6 of one head, the opposite of another.
TEST(StudyViews, CorrelateAttentionAndProjection) {
  EffectTable table;
  table.effect = EffectKind::kRaw;
  table.axes = {{"quantity", {"attention", "projection"}},
                {"name", {"IO", "S"}},
                {"layer", {"0"}},
                {"head", {"0", "1"}},
                {"prompt", {"0", "1", "2"}}};
  table.values = {1, 2, 3, 1, 2, 3, 3, 2, 1, 1, 1, 1, 2, 4, 6, -7, -8, -9, 6, 4, 2, 5, 5, 6};
  const View view = view_of(table, "correlations:5");
  ASSERT_EQ(view.rows.size(), 2U);
  EXPECT_EQ(view.rows[0], (std::vector<std::string>{"0.1", "+2.0000", "-8.0000", "-1.0000",
                                                    "+1.0000", "+5.3333", "-", "-0.7165"}));
  EXPECT_EQ(view.rows[1], (std::vector<std::string>{"0.0", "+2.0000", "+4.0000", "+1.0000",
                                                    "+2.0000", "+4.0000", "+1.0000", "+1.0000"}));
  table.axes[0].name = "another";
  EXPECT_EQ(view_of(table, "correlations:5").rows.size(), 0U);
}

TEST(Study, SaysWhatWasPublishedAboutWhichModel) {
  const std::string text =
      "reference = { name = \"R\", n_layers = 2, n_heads = 3, d_model = 6 }\n" + kStudy +
      "heads_of = \"\"\nreference_only = true\n" +
      "[experiment.published]\neffects = { \"0.1\" = 2, \"0.2\" = -0.5 }\n" +
      "groups = [[\"mover\", \"0.1\"]]\n";
  const Study study = parse_study(text, "s.toml");
  const StudyStep& step = study.steps.at(0);
  EXPECT_TRUE(step.reference_only);
  EXPECT_EQ(step.published.effects, (std::map<std::string, double>{{"0.1", 2.0}, {"0.2", -0.5}}));
  EXPECT_EQ(step.published.groups,
            (std::vector<std::vector<std::string>>{std::vector<std::string>{"mover", "0.1"}}));
  EXPECT_EQ(step.where, "s.toml, line 7");
  HookedTransformerConfig cfg;
  cfg.n_layers = 2;
  cfg.n_heads = 3;
  cfg.d_model = 6;
  EXPECT_TRUE(study.reference->is(cfg));
  cfg.d_model = 12;
  EXPECT_FALSE(study.reference->is(cfg));
}

TEST(Study, RefusesWhatHasNothingToStandOn) {
  EXPECT_NE(error_of("show =", "reference_only = true\nshow =").find("has no [reference]"),
            std::string::npos);
  EXPECT_NE(error_of("show =", "heads_of = \"b\"\nshow =").find("no earlier experiment has the id"),
            std::string::npos);
  for (const char* view : {"groups", "published", "of_heads"}) {
    EXPECT_NE(error_of("top:5", view).find("needs the key"), std::string::npos) << view;
  }
  EXPECT_EQ(error_of("\"grid\", ", "1, "),
            "[study] s.toml, line 10: \"show\" must be a list of texts");
  EXPECT_NE(error_of("title = \"A\"", "title = \"A\"\npublished = { groups = [\"a\"] }")
                .find("line 10: a group is a list"),
            std::string::npos);
}

TEST(Study, ThoseThatShipAreRead) {
  const auto studies = list_studies({std::filesystem::path(PATCHBAY_MODELS_DIR) / "../studies"});
  EXPECT_TRUE(studies.contains("figure_3b"));
  EXPECT_TRUE(studies.contains("ioi_lab"));
  for (const auto& [name, path] : studies) EXPECT_GT(read_study(path).steps.size(), 0U) << name;
}

// Two heads and three prompts, noising; the second prompt is one that the model gets wrong.
EffectTable table() {
  EffectTable table;
  table.experiment = "activation_patching";
  table.metric = "logit_diff";
  table.direction = Direction::kNoise;
  table.axes = {{"layer", {"9"}}, {"head", {"6", "7"}}, {"prompt", {"0", "1", "2"}}};
  table.values = {1.0, -1.0, 2.0, 5.0, -1.0, 4.0};
  table.baselines = {{3.0, -1.0, 4.0}, {-1.0, -2.0, 0.0}};
  return table;
}

TEST(Views, TheLabsOwnFractionSkipsWhatTheModelGetsWrongAndDividesByAll) {
  const View view = view_of(table(), "as_written");
  ASSERT_EQ(view.rows.size(), 2U);
  // (2/4 + 2/4) / 3, and (2 + 0 + 2) / (4 + 1 + 4)
  EXPECT_EQ(view.rows[0], (std::vector<std::string>{"9.6", "+0.3333", "+0.4444", "+0.3333"}));
  // (−2/4 + 0/4) / 3, and −2 / 9
  EXPECT_EQ(view.rows[1], (std::vector<std::string>{"9.7", "-0.1667", "-0.2222", "-0.1667"}));
  EXPECT_EQ(view.sentences[0].find("as written: 1 of 3 prompts"), 0U);
}

TEST(Views, ListsMarkAndSplitHeadsBySign) {
  const View marks = view_of(table(), "marks:1");
  ASSERT_EQ(marks.rows.size(), 1U);
  EXPECT_EQ(marks.rows[0], (std::vector<std::string>{"9.6", "+0.4444", "→ corrupts"}));
  EXPECT_EQ(view_of(table(), "marks:2").rows[1][2], "→ helps");
  const View split = view_of(table(), "split:0.3");
  ASSERT_EQ(split.rows.size(), 1U);
  EXPECT_EQ(split.rows[0][0], "name mover");
  EXPECT_EQ(view_of(table(), "split:0.05").rows[1][0], "negative");
}

TEST(Views, TheTopIsSignedAndInPercentOfTheGap) {
  const View top = view_of(table(), "top:10");
  ASSERT_EQ(top.rows.size(), 2U);  // raw: (−2 + 0 − 2) / 3 and (2 + 0 + 0) / 3, the gap 3
  EXPECT_EQ(top.rows[0], (std::vector<std::string>{"1", "9.7", "+0.6667", "22.2 %"}));
  EXPECT_EQ(top.rows[1], (std::vector<std::string>{"2", "9.6", "-1.3333", "-44.4 %"}));
  EXPECT_EQ(view_of(table(), "strongest").rows[1][1], "+2.6667");
  EXPECT_EQ(view_of(table(), "baselines").rows[2][1], "+3.0000");
}

TEST(Views, PublishedCellsAndGroupsStandBesideOurs) {
  const Published published{.effects = {{"9.6", 0.5}, {"9.7", 1.0}, {"11.0", -1.0}},
                            .groups = {{"mover", "9.7", "9.6", "10.0"}}};
  const View effects = view_of(table(), "published", {.published = &published});
  ASSERT_EQ(effects.rows.size(), 3U);
  EXPECT_EQ(effects.rows[0],
            (std::vector<std::string>{"9.7", "+0.6667", "22.2 %", "+1.0000", "-0.3333"}));
  EXPECT_EQ(effects.rows[1],
            (std::vector<std::string>{"9.6", "-1.3333", "-44.4 %", "+0.5000", "-1.8333"}));
  EXPECT_EQ(effects.rows[2], (std::vector<std::string>{"11.0", "-", "-", "-1.0000", "-"}));
  const View groups = view_of(table(), "groups", {.published = &published});
  ASSERT_EQ(groups.rows.size(), 3U);
  EXPECT_EQ(groups.rows[0], (std::vector<std::string>{"mover", "9.7", "2 of 2", "-0.2222"}));
  EXPECT_EQ(groups.rows[1], (std::vector<std::string>{"mover", "9.6", "1 of 2", "+0.4444"}));
  EXPECT_EQ(groups.rows[2], (std::vector<std::string>{"mover", "10.0", "-", "-"}));
  EXPECT_EQ(view_of(table(), "groups", {.why_nothing_published = "why"}).sentences,
            std::vector<std::string>{"why"});
}

TEST(Views, AnotherResultIsShownForHeadsAboveAThreshold) {
  const EffectTable heads = table();
  EffectTable attention;
  attention.experiment = "attention_patterns";
  attention.metric = "attention";
  attention.effect = EffectKind::kRaw;
  attention.axes = {
      {"layer", {"9"}}, {"head", {"6", "7"}}, {"source", {"IO", "S1"}}, {"prompt", {"0"}}};
  attention.values = {0.75, 0.125, 0.5, 0.25};
  const View view = view_of(attention, "of_heads:0.05", {.heads = &heads});
  EXPECT_EQ(view.columns, (std::vector<std::string>{"head", "fraction", "IO", "S1"}));
  ASSERT_EQ(view.rows.size(), 1U);
  EXPECT_EQ(view.rows[0], (std::vector<std::string>{"9.6", "+0.4444", "+0.7500", "+0.1250"}));
  EXPECT_EQ(view_of(attention, "of_heads:0.9", {.heads = &heads}).rows.size(), 0U);
  EXPECT_EQ(view_of(attention, "of_heads").sentences.size(), 1U);
}

TEST(Views, ListsOfNoisingSayNothingAboutDenoising) {
  EffectTable denoised = table();
  denoised.direction = Direction::kDenoise;
  for (const char* view : {"marks", "split:0.05", "as_written"}) {
    EXPECT_EQ(view_of(denoised, view).rows.size(), 0U) << view;
    EXPECT_EQ(view_of(denoised, view).sentences.size(), 1U) << view;
  }
}

}  // namespace
}  // namespace patchbay
