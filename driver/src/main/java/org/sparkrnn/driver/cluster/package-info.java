/** Living with a cluster: jobs that end within bounds, one sentence for its failures, signals. */
@NullMarked
package org.sparkrnn.driver.cluster;

import org.jspecify.annotations.NullMarked;
