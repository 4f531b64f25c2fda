//===- ClusterTest.cpp - Cluster descriptions -----------------------------===//
#include "tenon/Cost/Cluster.h"

#include "gtest/gtest.h"

using namespace tenon;
using namespace tenon::cost;

namespace {

TEST(Cluster, every_description_of_the_compiler_is_read) {
  std::vector<std::string> names;
  for (const Cluster &cluster : builtinClusters())
    names.push_back(cluster.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a100", "cpu", "h100", "h200", "l4", "mixed"}));
  EXPECT_EQ(findCluster("mixed")->devices(), 32);
  EXPECT_EQ(findCluster("mixed")->groups.size(), 2u);
}

TEST(Cluster, the_smallest_description_is_enough) {
  auto cluster = parseCluster(R"({"devices": [{"kind": "cpu", "count": 4}]})");
  ASSERT_TRUE(cluster) << cluster.status().str();
  EXPECT_EQ(cluster->devices(), 4);
  EXPECT_GT(cluster->groups.front().link.bandwidth, 0);
}

TEST(Cluster, refuses_what_it_does_not_know) {
  for (const char *text :
       {"", "[]", "{}", R"({"devices": []})", R"({"devices": [{"kind": "abacus"}]})",
        R"({"devices": [{"kind": "cpu", "count": 0}]})", R"({"devices": [{"kind": "cpu", "count": 1e300}]})",
        R"({"devices": [{"kind": "cpu"}], "colour": 1})", R"({"devices": [{"kind": "cpu"}], "link": {"gb_per_s": -1}})",
        R"({"nodes": [1]})", R"({"nodes": []})",
        R"({"devices": [{"kind": "cpu"}], "all_reduce": [{"ranks": 2, "bytes_seconds": [[2, 1], [1, 1]]}]})",
        R"({"devices": [{"kind": "cpu"}], "constants": {"compute_share": 1.5}})",
        R"({"devices": [{"kind": "cpu"}], "constants": {"speed": 1}})"}) {
    auto cluster = parseCluster(text);
    ASSERT_FALSE(cluster) << text;
    EXPECT_EQ(cluster.status().error().code, "TN9040") << text;
  }
  EXPECT_EQ(findCluster("nowhere").status().error().code, "TN9041");
  EXPECT_EQ(findCluster("./nowhere.json").status().error().code, "TN9041");
}

TEST(Cluster, an_all_reduce_follows_its_table_and_grows_with_size) {
  const Cluster cluster = *findCluster("a100");
  EXPECT_EQ(allReduceInNode(cluster, 1, 1e9), 0);
  // NCCL, 8 A100: 16 MiB and 32 MiB were measured; 24 MiB took 265 us, between them.
  EXPECT_NEAR(allReduceInNode(cluster, 8, 16 << 20), 232.4e-6, 1e-6);
  EXPECT_NEAR(allReduceInNode(cluster, 8, 24 << 20), 265.3e-6, 0.15 * 265.3e-6);
  for (int ranks = 2; ranks <= 8; ++ranks)
    for (double bytes = 1024; bytes < 4e9; bytes *= 2)
      EXPECT_LE(allReduceInNode(cluster, ranks, bytes),
                allReduceInNode(cluster, ranks, 2 * bytes) *
                    1.03) // as measured: 8 ranks took longer for 1 MiB than for 3
          << ranks << ' ' << bytes;
}

TEST(Cluster, a_ring_is_used_where_nothing_was_measured) {
  auto cluster =
      parseCluster(R"({"devices": [{"kind": "h100", "count": 4}], "link": {"gb_per_s": 100, "latency_us": 1}})");
  ASSERT_TRUE(cluster);
  EXPECT_NEAR(allReduceInNode(*cluster, 4, 4e9), 2 * 3 * (1e9 / 100e9 + 1e-6), 1e-9);
}

} // namespace
