// SPDX-License-Identifier: Apache-2.0

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** Starts the bare OpenSearch server: OpenSearchNode HOME, with HOME/config/opensearch.yml. */
public final class OpenSearchNode extends Node {
    private OpenSearchNode(Environment environment) {
        super(environment, List.of(Netty4Plugin.class, ReindexPlugin.class), true);
    }

    public static void main(String[] args) throws Exception {
        Life.endWithParent();
        Path home = Path.of(args[0]);
        Settings settings = Settings.builder().put("path.home", home.toString()).build();
        LogConfigurator.configureWithoutConfig(settings);
        Node node = new OpenSearchNode(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(),
                home.resolve("config"), () -> "engine"));
        node.start();
        Life.closeOnSignal(node);
        System.out.println("engine started");
        new CountDownLatch(1).await();
    }
}
