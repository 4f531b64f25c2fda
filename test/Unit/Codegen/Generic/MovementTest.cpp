//===- MovementTest.cpp - Generic kernels ----------------------===//
#include "RegionCheck.h"
#include <gtest/gtest.h>
