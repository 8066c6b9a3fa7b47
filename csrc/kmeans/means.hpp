// The centres of clusters: weighted means of their rows, or the directions of these.
#pragma once

#include <cstdint>
#include <vector>

#include "core/crew.hpp"
#include "kmeans/data.hpp"

namespace pyface::kmeans {

// What became of the centres in one update.
struct Movement {
    std::vector<std::int32_t> moved;  // numbers of the centres that are not what they were, in increasing order
    double shift = 0.0;               // sum over the centres of the squared way they went
};

template <class T>
class Means {
public:
    // `spherical`: centres are of unit length, as the rows are; a mean that is too short to have a direction leaves its
    // centre where it is.
    Means(const Data& data, bool spherical);

    // Sets `centers` (k, d) to the means of the rows with that label, in float64, rounded at the end.
    //
    // A cluster without weight gets a row for its own, as scikit-learn has it: the rows farthest from their centres, by
    // `distances` (of each row to the centre of its label), go to those clusters, the farthest to the one of the lowest
    // number, ties by lower row, and leave their own. Where that cannot help because all distances are 0, or gives no
    // weight either, the centre is put on that of the heaviest cluster.
    //
    // Only clusters whose rows have changed since the last call are computed again. Sums have one order: pieces of rows
    // in increasing order, then the pieces.
    Movement update(VectorView<const std::int32_t> labels, VectorView<const double> distances, MatrixView<T> centers,
                    Crew& crew);

private:
    struct Piece {
        std::int32_t cluster;
        index_t begin, end;  // places in order_
        index_t slot;        // of the sum; -1: the piece is the whole cluster
    };
    void weigh(index_t n_clusters);
    void settle(VectorView<const std::int32_t> labels, VectorView<const double> distances, index_t n_clusters);
    void cut(const std::vector<char>& is_changed);
    void add(const Piece& piece, double* sum) const;
    void finish(std::int32_t cluster, double* sum, T* center) const;
    void average(MatrixView<T> centers, Crew& crew);

    const Data& data_;
    bool spherical_;
    std::vector<std::int32_t> owners_;  // the cluster that each row counts for; the label unless it was given away
    std::vector<std::int32_t> before_;  // owners of the last call
    std::vector<double> weights_;       // per cluster
    std::vector<std::int32_t> order_;   // rows that weigh something, by cluster, increasing in each
    std::vector<index_t> starts_;
    std::vector<Piece> pieces_;
    index_t n_slots_ = 0;
};

}  // namespace pyface::kmeans
