#include "sim/least_squares.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace tacho {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// Solves A x = b for a symmetric positive definite A.
std::vector<double> solve(Matrix a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      const double share = a[j][i] / a[i][i];
      for (std::size_t k = i; k < n; ++k) a[j][k] -= share * a[i][k];
      b[j] -= share * b[i];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

/// The weight that makes a square count like a size beyond the outlier's bound.
double weight_of(double residual, const FitRules& rules) {
  return std::min(1.0, rules.outlier / std::max(1e-12, std::abs(residual)));
}

std::vector<double> factors_of(const std::vector<double>& logs) {
  std::vector<double> factors;
  for (const double log : logs) factors.push_back(std::exp(log));
  return factors;
}

/// The step of Gauss and Newton, pulled to where the constants started.
std::vector<double> step(const Matrix& slopes, const std::vector<double>& residuals,
                         const std::vector<double>& logs, double damping, const FitRules& rules) {
  const std::size_t n = logs.size();
  Matrix normal(n, std::vector<double>(n, 0.0));
  std::vector<double> right(n, 0.0);
  for (std::size_t r = 0; r < residuals.size(); ++r) {
    const double weight = weight_of(residuals[r], rules);
    for (std::size_t i = 0; i < n; ++i) {
      right[i] -= weight * slopes[i][r] * residuals[r];
      for (std::size_t j = 0; j < n; ++j) normal[i][j] += weight * slopes[i][r] * slopes[j][r];
    }
  }
  const double pull = rules.outlier * rules.outlier / (rules.prior * rules.prior);
  for (std::size_t i = 0; i < n; ++i) {
    normal[i][i] += pull + damping * normal[i][i];
    right[i] -= pull * logs[i];
  }
  return solve(std::move(normal), std::move(right));
}

/// The search of Hooke and Jeeves ("Direct search" solution of numerical and statistical problems,
/// J. ACM 8, 1961): each constant a little up or down, and when that led somewhere, the whole way
/// once more.
std::vector<double> search(std::vector<double> base, const std::vector<double>& bounds,
                           const Residuals& residuals, const FitRules& rules) {
  const auto cost_of = [&](std::vector<double>& logs) {
    for (std::size_t i = 0; i < logs.size(); ++i) logs[i] = std::min(logs[i], std::log(bounds[i]));
    return fit_cost(residuals(factors_of(logs)), rules);
  };
  const auto explore = [&](std::vector<double> logs, double cost, double size) {
    for (std::size_t i = 0; i < logs.size(); ++i) {
      for (const double by : {size, -size}) {
        std::vector<double> tried = logs;
        tried[i] += by;
        const double then = cost_of(tried);
        if (then >= cost) continue;
        logs = std::move(tried);
        cost = then;
        break;
      }
    }
    return std::pair(logs, cost);
  };
  double best = cost_of(base);
  for (double size = rules.search; size > rules.search / 20.0; size /= 2.0) {
    auto [now, cost] = explore(base, best, size);
    for (int moves = 0; cost < best && moves < 50; ++moves) {
      std::vector<double> further = now;
      for (std::size_t i = 0; i < now.size(); ++i) further[i] += now[i] - base[i];
      base = now;
      best = cost;
      const double start = cost_of(further);
      std::tie(now, cost) = explore(std::move(further), start, size);
      if (cost >= best) std::tie(now, cost) = explore(base, best, size);
    }
  }
  return base;
}

}  // namespace

double fit_cost(const std::vector<double>& residuals, const FitRules& rules) {
  double cost = 0.0;
  for (const double residual : residuals) {
    const double size = std::abs(residual);
    cost += size < rules.outlier ? 0.5 * size * size : rules.outlier * (size - 0.5 * rules.outlier);
  }
  return cost;
}

std::vector<double> fit_factors(const std::vector<double>& bounds, const Residuals& residuals,
                                const FitRules& rules) {
  const std::size_t count = bounds.size();
  std::vector<double> logs(count, 0.0);
  std::vector<double> now = residuals(factors_of(logs));
  double damping = 0.01;
  for (int round = 0; round < rules.rounds && count > 0; ++round) {
    Matrix slopes;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<double> moved = logs;
      moved[i] -= rules.probe;  // Downwards: a share may be at its bound.
      slopes.push_back(residuals(factors_of(moved)));
      for (std::size_t r = 0; r < now.size(); ++r)
        slopes[i][r] = (now[r] - slopes[i][r]) / rules.probe;
    }
    // Levenberg's damping: the shorter and the more downhill a step, the surer it is.
    bool is_better = false;
    for (int attempt = 0; attempt < 6 && !is_better; ++attempt) {
      const std::vector<double> by = step(slopes, now, logs, damping, rules);
      std::vector<double> tried = logs;
      for (std::size_t i = 0; i < count; ++i)
        tried[i] = std::min(std::log(bounds[i]), tried[i] + std::clamp(by[i], -0.3, 0.3));
      std::vector<double> then = residuals(factors_of(tried));
      is_better = fit_cost(then, rules) < fit_cost(now, rules);
      damping = is_better ? damping / 4.0 : damping * 6.0 + 0.01;
      if (!is_better) continue;
      logs = std::move(tried);
      now = std::move(then);
    }
    if (!is_better) break;
  }
  if (rules.search > 0.0) logs = search(std::move(logs), bounds, residuals, rules);
  return factors_of(logs);
}

}  // namespace tacho
