import { lazy, StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./App";
import { AuthProvider } from "./lib/auth";
import { PHONE_PATH } from "./lib/demo";
import { surviveTranslation } from "./lib/translation";
import { Boundary } from "./ui/Boundary";
import { DemoBadge } from "./ui/DemoBadge";
import "./ui/global.css";

const DemoPhone = __DEMO__ ? lazy(() => import("./pages/DemoPhone")) : null;
const isPhone = __DEMO__ && window.location.pathname === PHONE_PATH;

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

surviveTranslation(root);
createRoot(root).render(
  <StrictMode>
    <Boundary>
      {__DEMO__ && <DemoBadge phone={isPhone ? null : PHONE_PATH} />}
      {DemoPhone && isPhone ? (
        <Suspense>
          <DemoPhone />
        </Suspense>
      ) : (
        <BrowserRouter>
          <AuthProvider>
            <App />
          </AuthProvider>
        </BrowserRouter>
      )}
    </Boundary>
  </StrictMode>,
);
