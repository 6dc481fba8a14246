/**
 * Training of replicas: who reads which tokens, one task's local steps, the state of a run and its
 * checkpoints, evaluation, and the plain trainer that defines what one replica on Spark must equal.
 */
@NullMarked
package org.sparkrnn.worker.training;

import org.jspecify.annotations.NullMarked;
