// Vectors and matrices of three numbers, and small systems of equations.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace pyface::pose {

using Vector3 = std::array<double, 3>;

// Row-major.
struct Matrix3 {
    std::array<double, 9> values{};

    double& operator()(std::size_t i, std::size_t j) { return values[3 * i + j]; }
    double operator()(std::size_t i, std::size_t j) const { return values[3 * i + j]; }
};

inline Matrix3 operator*(const Matrix3& a, const Matrix3& b) {
    Matrix3 c;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) c(i, j) = a(i, 0) * b(0, j) + a(i, 1) * b(1, j) + a(i, 2) * b(2, j);
    }
    return c;
}

inline Vector3 operator*(const Matrix3& a, const Vector3& x) {
    return {a(0, 0) * x[0] + a(0, 1) * x[1] + a(0, 2) * x[2], a(1, 0) * x[0] + a(1, 1) * x[1] + a(1, 2) * x[2],
            a(2, 0) * x[0] + a(2, 1) * x[1] + a(2, 2) * x[2]};
}

inline Matrix3 transposed(const Matrix3& a) {
    return {{a(0, 0), a(1, 0), a(2, 0), a(0, 1), a(1, 1), a(2, 1), a(0, 2), a(1, 2), a(2, 2)}};
}

inline Vector3 cross(const Vector3& a, const Vector3& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

// The turn by |w| radians about w (Rodrigues' formula).
inline Matrix3 turn_about(const Vector3& w) {
    const double square = w[0] * w[0] + w[1] * w[1] + w[2] * w[2], angle = std::sqrt(square);
    // Both quotients lose all digits near 0, where their series need one term.
    const double a = angle < 1e-4 ? 1 - square / 6 : std::sin(angle) / angle;
    const double b = angle < 1e-4 ? 0.5 - square / 24 : (1 - std::cos(angle)) / square;
    Matrix3 r;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) r(i, j) = b * w[i] * w[j] + (i == j ? 1 - b * square : 0);
    }
    r(0, 1) -= a * w[2], r(0, 2) += a * w[1], r(1, 2) -= a * w[0];
    r(1, 0) += a * w[2], r(2, 0) -= a * w[1], r(2, 1) += a * w[0];
    return r;
}

// The rotation whose first two rows are nearest to those given, which must be of length 1 and at right angles but for
// rounding.
inline Matrix3 squared_up(const Matrix3& r) {
    Vector3 x{r(0, 0), r(0, 1), r(0, 2)}, y{r(1, 0), r(1, 1), r(1, 2)};
    const double off = (x[0] * y[0] + x[1] * y[1] + x[2] * y[2]) / 2;
    const Vector3 first = x;
    for (std::size_t i = 0; i < 3; ++i) x[i] -= off * y[i], y[i] -= off * first[i];
    const double a = std::hypot(x[0], x[1], x[2]), b = std::hypot(y[0], y[1], y[2]);
    for (std::size_t i = 0; i < 3; ++i) x[i] /= a, y[i] /= b;
    const Vector3 z = cross(x, y);
    return {{x[0], x[1], x[2], y[0], y[1], y[2], z[0], z[1], z[2]}};
}

// Eigenvectors of a symmetric matrix in columns, by falling eigenvalue, and these (Jacobi's method).
inline Matrix3 principal_axes(Matrix3 a, Vector3& values) {
    Matrix3 v{{1, 0, 0, 0, 1, 0, 0, 0, 1}};
    for (int sweep = 0; sweep < 30; ++sweep) {
        const double off = std::abs(a(0, 1)) + std::abs(a(0, 2)) + std::abs(a(1, 2));
        if (off <= 1e-300 || off <= 1e-17 * (std::abs(a(0, 0)) + std::abs(a(1, 1)) + std::abs(a(2, 2)))) break;
        for (std::size_t p = 0; p < 2; ++p) {
            for (std::size_t q = p + 1; q < 3; ++q) {
                if (a(p, q) == 0) continue;
                const double theta = (a(q, q) - a(p, p)) / (2 * a(p, q));
                const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::hypot(theta, 1));
                const double c = 1 / std::hypot(t, 1), s = t * c;
                for (std::size_t i = 0; i < 3; ++i) {
                    const double ip = a(i, p), iq = a(i, q);
                    a(i, p) = c * ip - s * iq, a(i, q) = s * ip + c * iq;
                }
                for (std::size_t i = 0; i < 3; ++i) {
                    const double pi = a(p, i), qi = a(q, i), vp = v(i, p), vq = v(i, q);
                    a(p, i) = c * pi - s * qi, a(q, i) = s * pi + c * qi;
                    v(i, p) = c * vp - s * vq, v(i, q) = s * vp + c * vq;
                }
            }
        }
    }
    std::array<std::size_t, 3> order{0, 1, 2};
    for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = i + 1; j < 3; ++j) {
            if (a(order[j], order[j]) > a(order[i], order[i])) std::swap(order[i], order[j]);
        }
    }
    Matrix3 sorted;
    for (std::size_t j = 0; j < 3; ++j) {
        values[j] = a(order[j], order[j]);
        for (std::size_t i = 0; i < 3; ++i) sorted(i, j) = v(i, order[j]);
    }
    return sorted;
}

// Symmetric, N x N, row-major.
template <std::size_t N>
using Square = std::array<double, N * N>;

// Cholesky's factor L of a = L L^T, in the lower half; false where the matrix is not positive definite.
template <std::size_t N>
bool factor(Square<N>& a) {
    for (std::size_t j = 0; j < N; ++j) {
        for (std::size_t i = j; i < N; ++i) {
            double sum = a[N * i + j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[N * i + k] * a[N * j + k];
            if (i > j) {
                a[N * i + j] = sum / a[N * j + j];
            } else if (sum > 0) {
                a[N * j + j] = std::sqrt(sum);
            } else {
                return false;
            }
        }
    }
    return true;
}

// x with L L^T x = b.
template <std::size_t N>
std::array<double, N> solved(const Square<N>& factor, std::array<double, N> b) {
    for (std::size_t i = 0; i < N; ++i) {
        for (std::size_t k = 0; k < i; ++k) b[i] -= factor[N * i + k] * b[k];
        b[i] /= factor[N * i + i];
    }
    for (std::size_t i = N; i-- > 0;) {
        for (std::size_t k = i + 1; k < N; ++k) b[i] -= factor[N * k + i] * b[k];
        b[i] /= factor[N * i + i];
    }
    return b;
}

// H^-1 G H^-1 from Cholesky's factor of H, and the trace of H^-1 G.
template <std::size_t N>
Square<N> sandwiched(const Square<N>& factor, const Square<N>& g, double& trace) {
    Square<N> half, whole;
    trace = 0;
    for (std::size_t j = 0; j < N; ++j) {
        std::array<double, N> column;
        for (std::size_t i = 0; i < N; ++i) column[i] = g[N * i + j];
        column = solved<N>(factor, column);
        trace += column[j];
        for (std::size_t i = 0; i < N; ++i) half[N * i + j] = column[i];
    }
    for (std::size_t i = 0; i < N; ++i) {
        std::array<double, N> row;
        for (std::size_t j = 0; j < N; ++j) row[j] = half[N * i + j];
        row = solved<N>(factor, row);
        for (std::size_t j = 0; j < N; ++j) whole[N * i + j] = row[j];
    }
    return whole;
}

}  // namespace pyface::pose
