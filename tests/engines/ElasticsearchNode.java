// SPDX-License-Identifier: Apache-2.0

import java.lang.reflect.InvocationTargetException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/**
 * Starts the bare Elasticsearch server: ElasticsearchNode HOME, with HOME/config/elasticsearch.yml and its modules in
 * the folder that the property es.modules names.
 *
 * The server's classes are of Java 21 and the compiler that Debian 12 brings is of Java 17, so everything is called
 * by name.
 */
public final class ElasticsearchNode {
    private static final String SERVER = "org.elasticsearch.";

    private static Class<?> type(String name) throws ClassNotFoundException {
        return Class.forName(SERVER + name);
    }

    private static Object call(Class<?> where, String name, Class<?>[] types, Object... values)
            throws ReflectiveOperationException {
        return where.getMethod(name, types).invoke(null, values);
    }

    private static Object environment(Path home) throws ReflectiveOperationException {
        Class<?> settings = type("common.settings.Settings");
        Object builder = call(settings, "builder", new Class<?>[0]);
        builder.getClass().getMethod("put", String.class, String.class)
                .invoke(builder, "path.home", home.toString());
        Object built = builder.getClass().getMethod("build").invoke(builder);
        call(type("common.logging.LogConfigurator"), "configureWithoutConfig", new Class<?>[] {settings}, built);
        Supplier<String> name = () -> "engine";
        return call(type("node.InternalSettingsPreparer"), "prepareEnvironment",
                new Class<?>[] {settings, Map.class, Path.class, Supplier.class},
                built, Map.of(), home.resolve("config"), name);
    }

    private static Object plugins(Path modules) throws ReflectiveOperationException {
        Class<?> loader = type("plugins.PluginsLoader");
        Object bundles = call(loader, "loadModulesBundles", new Class<?>[] {Path.class, boolean.class},
                modules, false);
        return call(loader, "createPluginsLoader",
                new Class<?>[] {Set.class, Set.class, Map.class, boolean.class},
                bundles, Set.of(), Map.of(), false);
    }

    public static void main(String[] args) throws Throwable {
        Life.endWithParent();
        try {
            Path modules = Path.of(System.getProperty("es.modules"));
            Object environment = environment(Path.of(args[0]));
            AutoCloseable node = (AutoCloseable) type("node.Node")
                    .getConstructor(type("env.Environment"), type("plugins.PluginsLoader"))
                    .newInstance(environment, plugins(modules));
            node.getClass().getMethod("start").invoke(node);
            Life.closeOnSignal(node);
            System.out.println("engine started");
        } catch (InvocationTargetException wrapped) {
            throw wrapped.getCause();
        }
        new CountDownLatch(1).await();
    }
}
