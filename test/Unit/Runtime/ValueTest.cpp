#include "tenon/Runtime/Value.h"

#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::runtime;

TEST(Value, KindsHaveNames) {
  EXPECT_STREQ(describeKind(ValueKind::Tensor), "a tensor");
  EXPECT_STREQ(describeKind(ValueKind::Sequence), "a sequence");
  EXPECT_STREQ(describeKind(ValueKind::None), "an empty optional");
}

TEST(Value, OwnsWhatItBorrowed) {
  float memory[2] = {1, 2};
  const Tensor borrowed = Tensor::borrow(memory, ElementType::F32, {2});
  Value value(borrowed), sequence = Value::sequence(ElementType::F32, {borrowed, borrowed});
  ASSERT_TRUE(makeOwned(value).ok());
  ASSERT_TRUE(makeOwned(sequence).ok());
  memory[1] = 7;
  EXPECT_EQ(value.tensor.as<float>()[1], 2);
  EXPECT_EQ(sequence.elements[1].as<float>()[1], 2);
  const void *owned = value.tensor.data.get();
  ASSERT_TRUE(makeOwned(value).ok());
  EXPECT_EQ(value.tensor.data.get(), owned) << "what is owned is not copied";
  Value nothing(Tensor::borrow(memory, ElementType::F32, {0})), none;
  EXPECT_TRUE(makeOwned(nothing).ok());
  EXPECT_TRUE(makeOwned(none).ok());
}
